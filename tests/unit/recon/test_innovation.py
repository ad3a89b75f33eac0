"""What a fit says of each of its images, as if that image had been left out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.frames import Frame
from ltemlive.recon.field import Field
from ltemlive.recon.innovation import (
    POOR_SCORE,
    Score,
    holdout_scores,
    image_scores,
    notes_on_fit,
    outer_parts,
    unseen_score,
)
from ltemlive.recon.model import empty_model, with_frames
from ltemlive.recon.solver import cold_start, refine
from ltemlive.settings import SolverSettings

DEFOCI_NM = (0.0, -4e5, 4e5, -2e6, 2e6)
BORDER_PX = 16


def solved(model):
    state, _ = refine(cold_start(model.series, SolverSettings()), model.series, 200)
    return state


def scores_of(frames, optics):
    model = with_frames(empty_model(frames[0].image.shape, optics, BORDER_PX), frames)
    return model, holdout_scores(solved(model), model)


@pytest.mark.parametrize("coherence", ["intensity", "wave"])
@pytest.mark.parametrize("border", ["periodic", "free"])
def test_images_that_fit_have_a_score_of_one_however_few_they_are(
    acquire, coherence, border
):
    # Of smooth domains: a target of so few pixels has details that pass for noise.
    for defocus_nm in (DEFOCI_NM, (0.0, -4e5, 4e5), (0.0, 2e6)):
        acquisition = acquire(
            defocus_nm, 0.1, "stripe_domains", coherence=coherence, border=border
        )
        _, scores = scores_of(list(acquisition.frames()), acquisition.microscope)
        assert scores == pytest.approx([1.0] * len(defocus_nm), abs=0.25)


def test_residuals_alone_would_flatter_images_that_went_into_the_fit(acquire, model_of):
    series = acquire((0.0, -4e5, 4e5), 0.1, "stripe_domains", coherence="wave")
    model = model_of(series)
    state = solved(model)
    stubborn = replace(state, metric=0.0 * state.metric)
    plain, scores = holdout_scores(stubborn, model), holdout_scores(state, model)
    assert np.mean(plain) < np.mean(scores) < 1.1


@pytest.mark.parametrize("wrong", [1, 2, 3, 4])
def test_an_image_with_the_wrong_sign_of_defocus_stands_out(acquire, wrong):
    acquisition = acquire(DEFOCI_NM, coherence="intensity", border="periodic")
    frames = list(acquisition.frames())
    meta = replace(frames[wrong].meta, defocus_nm=-DEFOCI_NM[wrong])
    frames[wrong] = Frame(meta, frames[wrong].image)
    model, scores = scores_of(frames, acquisition.microscope)
    assert max(scores) > POOR_SCORE
    (note,) = notes_on_fit(scores, model)
    assert f"{wrong} ({-DEFOCI_NM[wrong] * 1e-6:+.4g} mm: " in note
    assert "remedy: " in note


def test_images_in_focus_share_the_score_of_their_mean(acquire):
    acquisition = acquire((0.0, -4e5, 4e5, 0.0), kind="stripe_domains", coherence="wave")
    model, scores = scores_of(list(acquisition.frames()), acquisition.microscope)
    assert model.rows == (None, 0, 1, None)
    assert scores[0] == scores[3]
    assert notes_on_fit(scores, model) == ()


# Parts of a field

FIELD = Field((512, 300), (608, 397), (48, 48))


@given(st.floats(0.0, 300.0))
def test_outer_parts_are_those_within_reach_of_what_no_camera_saw(reach_px):
    is_outer = outer_parts(FIELD, reach_px)
    for (row, column), is_out in np.ndenumerate(is_outer):
        # Of 76 x 49 pixels; the frame spans 48 to 560 and 48 to 348.
        y, x = 76 * (row + 0.5), 49 * (column + 0.5)
        assert is_out == (min(y - 48, 560 - y, x - 48, 348 - x) <= reach_px)


def test_the_outermost_parts_of_a_border_are_outer_in_any_image():
    assert outer_parts(FIELD, 0.0).sum() == 28
    assert not outer_parts(replace(FIELD, wraps=True), 1e9).any()


def test_each_image_has_outer_parts_by_its_own_defocus(acquire):
    acquisition = acquire(DEFOCI_NM, border="free", coherence="wave")
    frames = list(acquisition.frames())
    for wrong in (1, 3):
        image = frames[wrong].image.copy()
        image[:8, 24:40] *= 4.0
        frames[wrong] = Frame(frames[wrong].meta, image)
    empty = empty_model(frames[0].image.shape, acquisition.microscope, BORDER_PX)
    model = with_frames(empty, frames)
    state, _ = refine(cold_start(model.series, SolverSettings()), model.series, 20)
    scores = image_scores(state, model)
    alone = [unseen_score(model, member, state) for member in model.used]
    for weak, strong in ((scores[1], scores[3]), (alone[1], alone[3])):
        assert weak.worst == weak.worst_part
        assert strong.worst == strong.worst_outer_part > strong.worst_part


def test_a_part_that_no_image_shows_is_not_the_worst():
    assert Score(1.0, 1.2, np.nan).worst == 1.2
    assert Score(1.0, np.nan, 1.3).worst == 1.3
    assert np.isnan(Score(1.0, np.nan, np.nan).worst)
