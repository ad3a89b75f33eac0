"""Which frames belong to a series: told by the others, with the reason, and no others."""

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.recon import judging
from ltemlive.recon.arrival import first_looked
from ltemlive.recon.innovation import Score, holdout_scores, image_scores, unseen_score
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.judging import begun_again, reviewed
from ltemlive.recon.members import Aside
from ltemlive.recon.model import empty_model, with_frames, with_used
from ltemlive.recon.solver import cold_start, refine
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings()
DEFOCI_NM = (0.0, -4e5, 4e5, -1e6, 1e6, -2e6, 2e6)

MAX_STEPS = 1000


@pytest.fixture(scope="module")
def frames(acquire):
    return list(acquire(DEFOCI_NM).frames())


@pytest.fixture(scope="module")
def other_frames(acquire):
    """Return the frames of another sample."""
    there = acquire(DEFOCI_NM, kind="stripe_domains")
    return list(there.frames())


@pytest.fixture(scope="module")
def made(acquire):
    def of(frames, settings=SETTINGS):
        optics = acquire(DEFOCI_NM).microscope
        model = with_frames(empty_model(frames[0].image.shape, optics, 0), frames)
        model = first_looked(model, settings)
        state = cold_start(model.series, settings)
        return solved(model, state)

    return of


def solved(model, state):
    while not state.is_converged and state.steps < MAX_STEPS:
        model, state, _ = refine_jointly(model, state, 40)
    return model, state


def stated(frame, defocus_nm):
    return replace(frame, meta=replace(frame.meta, defocus_nm=defocus_nm))


def wanted(frame, use):
    return replace(frame, meta=replace(frame.meta, use=use))


def with_frame(frames, index, frame):
    return [*frames[:index], frame, *frames[index + 1 :]]


def changed(frames, other_frames, index):
    """Return the series with a frame half of which shows another state."""
    image = frames[index].image.copy()
    half = image.shape[0] // 2
    image[half:] = other_frames[index].image[half:]
    return with_frame(frames, index, replace(frames[index], image=image))


def test_frames_that_belong_are_all_used(frames, made):
    model, state = made(frames)
    assert model.set_aside == ()
    assert model.seqs == tuple(range(7))
    assert not any(member.sign < 0 for member in model.members)
    assert reviewed(model, state) == (model, state)


@pytest.mark.parametrize("index", [2, 5])
def test_another_state_of_the_sample_is_set_aside(frames, other_frames, made, index):
    model, state = made(changed(frames, other_frames, index))
    ((seq, reason),) = model.set_aside
    assert seq == index
    assert reason.startswith("shows another state of the sample")
    # The phase is that of a series that never had the frame.
    without, expected = made([*frames[:index], *frames[index + 1 :]])
    assert without.shifts_px == model.shifts_px
    np.testing.assert_array_equal(state.phase, expected.phase)


def test_a_frame_of_another_defocus_is_used_with_the_right_one_and_that_is_said(
    frames, made
):
    model, _ = made(with_frame(frames, 4, stated(frames[4], 6.6e5)))
    assert model.set_aside == ()
    assert model.defocus_nm[4] == pytest.approx(1e6, rel=0.03)
    (note,) = [each for each in model.notes if "used with the defocus that fits" in each]
    assert note.startswith("frame 4 at +")
    assert "(stated +0.66)" in note


def test_where_defocus_is_not_refined_the_right_one_is_named(frames, made):
    settings = SETTINGS.model_copy(update={"refine_defocus": False})
    model, _ = made(with_frame(frames, 4, stated(frames[4], 6.6e5)), settings)
    ((seq, reason),) = model.set_aside
    assert seq == 4
    assert reason.startswith("fits the others at +")
    assert float(reason.split()[4]) == pytest.approx(1.0, rel=0.03)
    assert "not at +0.66 mm as stated" in reason


def test_what_the_user_wants_used_is_used(frames, other_frames, made):
    odd = changed(frames, other_frames, 5)
    model, state = made(with_frame(odd, 5, wanted(odd[5], use=True)))
    assert 5 in model.seqs
    assert max(holdout_scores(state, model)) > 1.5


def test_what_the_user_does_not_want_is_not_used(frames, made):
    model, _ = made(with_frame(frames, 5, wanted(frames[5], use=False)))
    assert model.set_aside == ((5, "by the user"),)
    assert model.seqs == (0, 1, 2, 3, 4, 6)


def test_without_judging_every_frame_is_used(frames, other_frames, made):
    settings = SETTINGS.model_copy(update={"judge": False})
    odd = changed(frames, other_frames, 5)
    model, _ = made(with_frame(odd, 4, stated(odd[4], -1e6)), settings)
    assert model.set_aside == ()
    assert not any(member.sign < 0 for member in model.members)


def test_a_frame_that_fits_after_all_comes_back_and_stays(frames, made):
    model, state = made(frames)
    aside = Aside("misfit", "an error", is_explained=False)
    odd = replace(model.members[4], aside=aside)
    model, state = begun_again(with_used(model, [odd]), state, SETTINGS)
    assert model.set_aside == ((4, "an error"),)
    model, state = solved(model, state)
    assert model.set_aside == ()
    assert model.members[4].was_back


def test_two_images_do_not_tell_which_is_wrong(frames, other_frames, made):
    model, state = made(changed(frames, other_frames, 2)[:3])
    assert max(holdout_scores(state, model)) > 1.5
    assert model.set_aside == ()


@pytest.mark.parametrize("others", [(3,), (1, 3)])
def test_of_a_series_a_third_may_be_set_aside_and_no_more(
    frames, other_frames, made, others
):
    odd = frames
    for index in (*others, 5):
        odd = changed(odd, other_frames, index)
    as_they_are = {"judge": False, "refine_defocus": False, "refine_convergence": False}
    model, _ = made(odd[:2], SETTINGS.model_copy(update=as_they_are))
    model = with_frames(model, odd[2:])
    out = [replace(model.members[index], aside=Aside("misfit", "odd")) for index in others]
    model = with_used(model, out)
    state, _ = refine(cold_start(model.series, SETTINGS), model.series, 300)
    model, _ = reviewed(model, state)
    expected = others if len(others) > 1 else (*others, 5)
    assert [seq for seq, _ in model.set_aside] == list(expected)


def test_an_unseen_frame_is_scored_by_noise_and_ignorance(frames, other_frames, made):
    model, state = made(frames[:5])

    def score(series):
        (member,) = with_frames(model, [series[5]]).members[5:]
        return unseen_score(model, member, state)

    assert score(frames).whole == pytest.approx(1.0, abs=0.25)
    assert score(changed(frames, other_frames, 5)).whole > 2.0


@pytest.mark.parametrize("where", ["inner", "outer"])
def test_where_the_sample_beyond_the_frame_shows_more_is_forgiven(
    frames, made, monkeypatch, where
):
    """What lies there is guessed: sharp steps have had 1.5 in right frames."""
    model, state = made(frames)
    right = Score(1.0, 1.0, 1.0)

    def judged(of_part):
        odd = Score(1.0, *((of_part, 1.0) if where == "inner" else (1.0, of_part)))
        scores = (*[right] * (len(frames) - 1), odd)
        monkeypatch.setattr(judging, "image_scores", lambda *given: scores)
        after, _ = reviewed(model, state)
        return [seq for seq, _ in after.set_aside]

    last = [len(frames) - 1]
    by_chance = judging.CHANCE * np.sqrt(2.0) / (frames[0].image.shape[0] // 8)
    assert judged(judging.POOR_PART + 1.1 * by_chance) == (last if where == "inner" else [])
    assert judged(judging.POOR_PART_UNSURE + 1.1 * by_chance) == last


def test_a_change_in_a_corner_shows_in_its_part(frames, other_frames, made):
    image = frames[5].image.copy()
    image[:16, :16] = other_frames[5].image[:16, :16]
    odd = with_frame(frames, 5, replace(frames[5], image=image))
    unjudged = SETTINGS.model_copy(update={"judge": False})
    model, state = made(odd, unjudged)
    scores = image_scores(state, model)
    assert scores[5].whole < 1.5
    assert scores[5].worst_part > 3.0
    model, _ = made(odd)
    assert [seq for seq, _ in model.set_aside] == [5]
