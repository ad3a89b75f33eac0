"""From the phase to what the microscopist wants: its gradient and the induction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ltemlive.physics.electron import HBAR_OVER_E_T_NM2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.events import Beam


def phase_gradient(
    phase_rad: NDArray[np.float32], *, pixel_nm: float
) -> NDArray[np.float32]:
    """Return (d phase/dy, d phase/dx) [rad/nm], shape (2, ny, nx).

    Central differences; edge pixels use one-sided ones and are twice as noisy. Along an
    axis of one pixel, as a preview of a narrow frame may have, it is 0.
    """
    gradient = np.empty((2, *phase_rad.shape), np.float32)
    for along, phase in zip(
        (gradient[0], gradient[1].T), (phase_rad, phase_rad.T), strict=True
    ):
        if len(phase) < 2:
            along[:] = 0.0
            continue
        # np.gradient needs three times as long, and a copy.
        np.subtract(phase[2:], phase[:-2], out=along[1:-1], casting="same_kind")
        along[1:-1] /= 2.0 * pixel_nm
        along[0] = (phase[1] - phase[0]) / pixel_nm
        along[-1] = (phase[-1] - phase[-2]) / pixel_nm
    return gradient


def projected_induction(
    phase_rad: NDArray[np.float32], *, pixel_nm: float, beam: Beam = "into_image"
) -> NDArray[np.float32]:
    """Return the induction times thickness that a magnetic phase image encodes.

    The beam travels along +z, into the image; y points down, x right. For a wave
    exp(+i k.r) the magnetic phase is -(e / hbar) times the line integral of A_z
    (Aharonov & Bohm 1959), so with B = curl A and stray field neglected

        B_y t = +(hbar / e) d(phase)/dx        B_x t = -(hbar / e) d(phase)/dy

    The sign is pinned by ``test_uniform_induction_deflects_like_the_lorentz_force``.

    Parameters
    ----------
    phase_rad
        Unwrapped phase [rad], shape (ny, nx). An electrostatic part that was not removed
        shows up as an induction that is not there.
    pixel_nm
        Edge of a square pixel in the specimen plane [nm].
    beam
        Which way it travels. Out of the image, A_z is summed the other way, and both
        components have the other sign.

    Returns
    -------
    NDArray[np.float32]
        (B_y t, B_x t) [T nm], shape (2, ny, nx).
    """
    along_y, along_x = phase_gradient(phase_rad, pixel_nm=pixel_nm)
    sense = 1.0 if beam == "into_image" else -1.0
    return np.asarray([along_x, -along_y]) * np.float32(sense * HBAR_OVER_E_T_NM2)
