import numpy as np
import pytest

from ltemlive.results import Reconstruction, Report, Timing
from ltemlive.series import Microscope, RejectedFrame

SHAPE = (32, 40)


@pytest.fixture
def make_result():
    """Return a function that makes a small result; keywords change its report."""

    def make(*, title="holes", shape=SHAPE, origin=None, phase_sigma_rad=None, **changes):
        ny, nx = shape
        y, x = np.mgrid[-1.0 : 1.0 : ny * 1j, -1.0 : 1.0 : nx * 1j]
        phase = np.exp(-4.0 * (x**2 + y**2))
        values = {
            "frames_used": ("000000.tif", "000001.tif"),
            "frames_rejected": (RejectedFrame("7", "torn"), RejectedFrame("a.tif", "dark")),
            "defocus_nm": (-1.6e6, 1.6e6),
            "shift_px": ((0.0, 0.0), (1.25, -0.5)),
            "rotation_deg": (0.0, 0.1),
            "magnification": (1.0, 1.001),
            "noise_sigma": 0.05,
            "steps": 3,
            "gradient_evaluations": 4,
            "seconds": Timing(load=0.1, solve=2.0),
            "objective": (3.0, 2.0, 1.5),
            "device": "CPU",
            "versions": {"ltemlive": "0.1.0"},
            "method": "ad",
            "notes": ("The in-focus frame is missing.",),
        }
        return Reconstruction(
            phase_rad=(phase - phase.mean()).astype(np.float32),
            amplitude=(1.0 - 0.2 * phase).astype(np.float32),
            microscope=Microscope(voltage_kv=200.0, pixel_nm=5.0),
            report=Report(**(values | changes)),
            title=title,
            origin=origin or {},
            phase_sigma_rad=phase_sigma_rad,
        )

    return make
