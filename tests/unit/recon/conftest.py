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
        optics = {"pixel_nm": 20.0, "border": "periodic"} | microscope
        margin_px = 0 if optics["border"] == "periodic" else 32
        document = {
            "seed": seed,
            "specimen": {"kind": kind, "size_px": SIDE_PX, "margin_px": margin_px},
            "microscope": optics,
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


@pytest.fixture(scope="session")
def drifting():
    """Return a way to make a series whose frames lie elsewhere, and where they lie."""

    def acquired(
        defocus_nm=(0.0, -2e5, 2e5, -8e5, 8e5),
        drift_px=(1.3, -0.7),
        kind="resolution_target",
        border="free",
    ):
        margin_px = 0 if border == "periodic" else 32
        document = {
            "specimen": {"kind": kind, "size_px": 96, "margin_px": margin_px},
            "microscope": {"pixel_nm": 10.0, "border": border},
            "defocus_nm": defocus_nm,
            "noise": {"level": 0.05},
            "drift_px_per_frame": drift_px,
        }
        acquisition = Acquisition(Scenario.model_validate(document))
        frames = list(acquisition.frames())
        model = empty_model(frames[0].image.shape, acquisition.microscope, BORDER_PX)
        return with_frames(model, frames), np.outer(np.arange(len(frames)), drift_px)

    return acquired


@pytest.fixture(scope="session")
def left_px():
    """Return a way to measure errors of shifts (rms) without what no data can tell."""

    def rms(errors_px, defocus_nm):
        untold = np.stack([np.ones(len(defocus_nm)), np.array(defocus_nm)], axis=1)
        fitted, *_ = np.linalg.lstsq(untold, errors_px)
        return float(np.sqrt(((errors_px - untold @ fitted) ** 2).sum(axis=1).mean()))

    return rms


@pytest.fixture(scope="session")
def turning():
    """Return a way to make a series whose frames turn and grow, and the true turns.

    In proportion to defocus, up to ``most_deg`` and ``most`` (of the logarithm), and each
    frame a tenth of that off the line.
    """

    def acquired(
        defocus_nm=(0.0, -2e5, 2e5, -8e5, 8e5),
        most_deg=2.0,
        most=0.03,
        kind="resolution_target",
    ):
        document = {
            "specimen": {"kind": kind, "size_px": 128, "margin_px": 32},
            "microscope": {"pixel_nm": 10.0},
        }
        acquisition = Acquisition(Scenario.model_validate(document))
        microscope = VirtualMicroscope(
            acquisition.specimen, acquisition.microscope, Detector(), workers=2
        )
        rng = np.random.default_rng(5)
        along = np.array(defocus_nm) / np.abs(defocus_nm).max()
        off = 0.1 * rng.uniform(-1.0, 1.0, (2, len(along))) * (along != 0.0)
        rotations_deg, logs = (
            most * (along + each) for most, each in zip((most_deg, most), off, strict=True)
        )
        model = None
        for seq, (value_nm, degrees, log) in enumerate(
            zip(defocus_nm, rotations_deg, logs, strict=True)
        ):
            root = np.sqrt(
                np.maximum(
                    microscope.image(
                        value_nm, rotation_deg=degrees, magnification=np.exp(log)
                    ),
                    0.0,
                )
            )
            root += 0.05 * rng.standard_normal(root.shape)
            meta = FrameMeta(seq=seq, defocus_nm=value_nm, pixel_nm=10.0, voltage_kv=200.0)
            frame = Frame(meta, np.asarray(np.maximum(root, 0.0) ** 2, np.float32))
            if model is None:
                model = empty_model(root.shape, acquisition.microscope, BORDER_PX)
            model = with_frames(model, [frame])
        return model, np.stack([np.radians(rotations_deg), logs], axis=1)

    return acquired
