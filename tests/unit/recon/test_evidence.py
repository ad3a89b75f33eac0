import numpy as np
import pytest

from ltemlive.frames import Frame, FrameMeta
from ltemlive.recon.evidence import NO_FOCUS_NOTE
from ltemlive.recon.model import empty_model, with_frames
from ltemlive.series import Microscope

SHAPE = (64, 64)
MICROSCOPE = Microscope(voltage_kv=200.0, pixel_nm=20.0)


def model_of(*images, hot=0.0):
    """Return the model of images, each (defocus in nm, contrast, noise)."""
    frames = []
    for seq, (defocus_nm, contrast, noise) in enumerate(images):
        rng = np.random.default_rng(seq)
        stripes = np.sign(np.sin(np.arange(SHAPE[1]) / 3.0))
        image = (1.0 + contrast * stripes + noise * rng.standard_normal(SHAPE)) ** 2
        image[5, 7] += hot
        frames.append(Frame(FrameMeta(seq, defocus_nm), image.astype(np.float32)))
    return with_frames(empty_model(SHAPE, MICROSCOPE, 0), frames)


def clear(*defoci_nm):
    return model_of(*((defocus_nm, 0.2, 0.05) for defocus_nm in defoci_nm))


@pytest.mark.parametrize(
    "defoci_nm", [(0.0, 1e6), (-1e6, 1e6), (1e6, 2e6), (1e6, 1e6, 0.0)]
)
def test_two_images_of_different_defocus_are_enough(defoci_nm):
    assert clear(*defoci_nm).problem is None


@pytest.mark.parametrize(
    ("defoci_nm", "problem"),
    [
        ((), "expected at least two images, got none"),
        (
            (1e6,),
            "expected at least two images, got 1; one image alone does not determine a "
            "phase",
        ),
        (
            (0.0, 0.0),
            "expected a defocused image, got 2 in focus, where a phase is invisible",
        ),
        (
            (1e6, 1e6, 1e6 + 1.0),
            "expected images at two defoci at least, got 3 at +1 mm, where phase and "
            "amplitude look alike; remedy: add one in focus, or of another defocus",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_line(defoci_nm, problem):
    assert clear(*defoci_nm).problem.text == problem


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.3])
def test_images_of_nothing_but_noise_determine_nothing(noise):
    model = model_of((0.0, 0.2, 0.05), (1e6, 0.0, noise), (-1e6, 0.0, noise))
    assert model.problem.text == (
        "expected contrast in a defocused image, got nothing but noise in 2; remedy: "
        "expose longer or defocus more"
    )


def test_a_blank_image_beside_a_good_one_is_noted():
    model = model_of((0.0, 0.2, 0.05), (1e6, 0.2, 0.05), (-1e6, 0.0, 0.05))
    assert model.problem is None
    (note,) = model.notes
    assert note == "1 of 2 defocused images show no contrast of their own"


def test_an_image_in_focus_may_be_blank():
    model = model_of((0.0, 0.0, 0.05), (1e6, 0.2, 0.05), (-1e6, 0.2, 0.05))
    assert (model.problem, model.notes) == (None, ())


def test_what_no_image_shows_alone_many_may_show_together():
    weak = [(sign * 1e6, 0.03, 0.4) for sign in (1, -1)] * 20
    model = model_of((0.0, 0.2, 0.05), *weak)
    assert sum(image.contrast == 0.0 for image in model.defocused) > 20
    assert model.problem is None
    assert model_of(*weak[:1], (0.0, 0.2, 0.05)).problem.kind == "noise"


def test_a_hot_pixel_does_not_hide_what_an_image_shows():
    images = [(defocus_nm, 0.2, 0.05) for defocus_nm in (0.0, 1e6, -1e6)]
    assert model_of(*images, hot=900.0).problem is None


def test_more_noise_than_contrast_is_noted_with_both():
    model = model_of((0.0, 0.2, 0.05), (1e6, 0.15, 0.3), (-1e6, 0.15, 0.3))
    assert model.problem is None
    (note,) = model.notes
    assert note.startswith("more noise than contrast in each defocused image (at best 0.2")


def test_one_image_that_exceeds_its_noise_is_enough():
    model = model_of((0.0, 0.2, 0.5), (1e6, 0.2, 0.05), (-1e6, 0.15, 0.3))
    assert model.notes == ()


def test_without_focus_the_amplitude_is_doubtful():
    assert clear(1e6, -1e6).notes == (NO_FOCUS_NOTE,)
