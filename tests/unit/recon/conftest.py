"""Small series of the simulator, and two threads for everything TensorFlow does."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from ltemlive.frames import Frame, FrameMeta

# Before any test module imports TensorFlow: the room says how it shall load.
from ltemlive.recon import runtime
from ltemlive.recon.model import empty_model, with_frames
from ltemlive.series import Microscope
from simulator.acquisition import Acquisition
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope
from simulator.scenario import Scenario
from simulator.specimens import Specimen

SIDE_PX = 64
BORDER_PX = 16
DEFOCI_NM = (0.0, -4e5, 4e5, -2e6, 2e6)


@pytest.fixture(scope="session", autouse=True)
def two_threads():
    """TensorFlow refuses another number once it has started."""
    runtime.configure(threads=2)


@pytest.fixture(scope="session")
def acquire():
    """Return a way to play a series; keywords that are not named go to the microscope.

    The default field is periodic, so that the solver needs no border.
    """

    @functools.cache
    def acquired(
        defocus_nm=DEFOCI_NM, noise=0.05, kind="resolution_target", seed=1, **microscope
    ):
        document = {
            "seed": seed,
            "specimen": {"kind": kind, "size_px": SIDE_PX, "margin_px": 32},
            "microscope": {"pixel_nm": 20.0, "border": "periodic"} | microscope,
            "defocus_nm": defocus_nm,
            "noise": {"level": noise},
        }
        return Acquisition(Scenario.model_validate(document))

    return acquired


@pytest.fixture(scope="session")
def model_of():
    """Return a way to make the model of an acquisition, or of its first frames."""

    def made(acquisition, n_frames=None, **microscope):
        frames = list(acquisition.frames())[:n_frames]
        optics = acquisition.microscope.model_copy(update=microscope)
        return with_frames(empty_model(frames[0].image.shape, optics, BORDER_PX), frames)

    return made


@pytest.fixture(scope="session")
def series_of():
    """Return a way to image a phase that wraps around, without absorption or with."""

    def imaged(truth, defocus_nm, *, noise=0.02, pixel_nm=20.0, amplitude=None, seed=1):
        optics = Microscope(voltage_kv=200.0, pixel_nm=pixel_nm, border="periodic")
        amplitude = np.ones_like(truth) if amplitude is None else amplitude
        specimen = Specimen(truth, amplitude, pixel_nm, margin_px=0)
        microscope = VirtualMicroscope(specimen, optics, Detector())
        rng = np.random.default_rng(seed)
        frames = []
        for seq, value_nm in enumerate(defocus_nm):
            root = np.sqrt(microscope.image(value_nm))
            root += 0.5 * noise * rng.standard_normal(truth.shape)
            image = (root**2).astype(np.float32)
            frames.append(Frame(FrameMeta(seq, value_nm, pixel_nm, 200.0), image))
        return with_frames(empty_model(truth.shape, optics, 0), frames).series

    return imaged
