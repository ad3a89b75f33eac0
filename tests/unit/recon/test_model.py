import numpy as np
import pytest

from ltemlive.errors import FrameError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.recon.evidence import NO_FOCUS_NOTE
from ltemlive.recon.model import (
    defocused_series,
    empty_model,
    with_frames,
)
from ltemlive.series import Microscope

SHAPE = (24, 31)
MICROSCOPE = Microscope(voltage_kv=200.0, pixel_nm=20.0)


def frame(seq, defocus_nm, shape=SHAPE):
    rng = np.random.default_rng(seq)
    image = 1.0 + 0.05 * rng.standard_normal(shape)
    image[:, shape[1] // 2 :] *= 1.5
    image = image.astype(np.float32)
    return Frame(FrameMeta(seq=seq, defocus_nm=defocus_nm), image)


def grown(*frames):
    return with_frames(empty_model(SHAPE, MICROSCOPE, 8), frames)


def test_an_empty_model_is_not_solvable_and_says_that_focus_is_missing():
    model = grown()
    assert model.problem.text == "expected at least two images, got none"
    assert model.notes == (NO_FOCUS_NOTE,)
    assert model.first_amplitude.shape == SHAPE
    np.testing.assert_array_equal(model.first_amplitude, 1.0)


def test_an_image_in_focus_gives_the_amplitude_and_a_defocused_one_the_phase():
    model = grown(frame(0, 0.0), frame(1, -4e5))
    assert len(model.defocused) == 1
    assert len(model.in_focus) == 1
    assert model.series.measured.shape[0] == 1
    assert float(model.series.focus_precision) > 0.0
    assert model.seqs == (0, 1)
    assert model.defocus_nm == (0.0, -4e5)
    assert len(model.images) == 2
    assert model.rows == (None, 0)
    assert model.first_amplitude.std() > 0.0
    assert model.notes == ()


def test_the_model_that_grows_leaves_the_one_before_as_it_was():
    before = grown(frame(0, 0.0), frame(1, 1e5))
    kept = before.series.measured.numpy().copy()
    after = with_frames(before, [frame(2, 2e5)])
    assert before.seqs == (0, 1)
    np.testing.assert_array_equal(before.series.measured, kept)
    assert after.seqs == (0, 1, 2)
    np.testing.assert_array_equal(after.series.measured[:1], kept)


def test_frames_one_by_one_or_all_at_once_make_the_same_series():
    frames = [frame(0, 0.0), frame(1, 1e5), frame(2, 0.0), frame(3, -1e5)]
    at_once, one_by_one = grown(*frames), grown()
    for each in frames:
        one_by_one = with_frames(one_by_one, [each])
    for one, other in zip(at_once.series, one_by_one.series, strict=True):
        np.testing.assert_array_equal(one, other)


def test_focus_may_come_last():
    early = grown(frame(0, 0.0), frame(1, 1e5), frame(2, -1e5)).series
    late = grown(frame(1, 1e5), frame(2, -1e5), frame(0, 0.0))
    np.testing.assert_array_equal(late.series.measured, early.measured)
    np.testing.assert_array_equal(late.series.focus, early.focus)
    np.testing.assert_array_equal(late.series.amplitude, early.amplitude)
    np.testing.assert_allclose(late.series.stiffness, early.stiffness, rtol=1e-6)
    assert late.notes == ()


@pytest.mark.parametrize(
    ("optics", "n_images"),
    [({}, 2), ({"defocus_spread_nm": 5e4}, 3), ({"detector_mtf": 0.9}, 3)],
)
def test_the_defocused_series_leaves_focus_out_whatever_lens_and_camera(optics, n_images):
    microscope = MICROSCOPE.model_copy(update=optics)
    frames = [frame(0, 1e5), frame(1, 0.0), frame(2, -1e5)]
    model = with_frames(empty_model(SHAPE, microscope, 8), frames)
    assert model.series.measured.shape[0] == n_images
    series = defocused_series(model)
    kept = [model.field.crop(image) for image in series.measured.numpy()]
    for image, expected in zip(kept, (frames[0], frames[2]), strict=True):
        np.testing.assert_allclose(
            image, np.sqrt(expected.image / expected.image.mean()), rtol=1e-5
        )
    assert series.precision.shape == (2,)
    assert float(series.focus_precision) == 0.0


def test_a_frame_of_another_shape_is_refused_in_one_line():
    model = grown(frame(0, 0.0))
    with pytest.raises(FrameError) as caught:
        with_frames(model, [frame(7, 1e5, (31, 24))])
    assert str(caught.value) == (
        "frame 7: expected shape (24, 31) as the first frame of the series, got (31, 24)"
    )


def test_a_frame_without_defocus_is_refused_in_one_line():
    with pytest.raises(FrameError, match=r"^frame 3: expected a defocus in nm, got none$"):
        grown(frame(3, None))
