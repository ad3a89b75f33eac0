"""The transport-of-intensity equation: the classical answer that ours is compared with.

Teague (1983), solved with two inverse Laplacians (Paganin & Nugent 1998). Linear, instant,
blurred by strong defocus and clouded by noise at long waves.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ltemlive.physics.electron import wavelength_nm
from ltemlive.physics.optics import frequency_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ltemlive.series import Microscope

AMPLITUDE_FLOOR = 0.05
"""Intensities below this part of the mean are not divided by."""


def symmetric_pair(defocus_nm: Sequence[float]) -> tuple[int, int]:
    """Return the indices (under, over) of the pair to differentiate.

    The most symmetric pair about focus wins, of equally symmetric ones the strongest,
    since noise falls with the separation.

    Raises
    ------
    ValueError
        If there is no image on one of the two sides of focus.
    """
    pairs = [
        (abs(above + below) / (above - below), -(above - below), under, over)
        for under, above in enumerate(defocus_nm)
        for over, below in enumerate(defocus_nm)
        if above > 0.0 > below
    ]
    if not pairs:
        raise ValueError("TIE needs one image on each side of focus")
    _, _, under, over = min(pairs)
    return under, over


def transport_of_intensity_phase(
    under: NDArray[Any],
    over: NDArray[Any],
    in_focus: NDArray[Any],
    *,
    separation_nm: float,
    microscope: Microscope,
    cutoff_per_nm: float = 0.0,
) -> NDArray[np.float32]:
    """Return the phase [rad], shape (ny, nx), zero mean.

    div(I0 grad phase) = +(2 pi / lambda) dI / d(defocus), since defocus > 0 looks
    upstream.

    Parameters
    ----------
    under, over, in_focus
        Aligned intensities of the same dose, shape (ny, nx).
    separation_nm
        Defocus of ``under`` less that of ``over``, positive.
    microscope
        Voltage, pixel and border; a free border is mirrored.
    cutoff_per_nm
        Tikhonov cut: waves longer than its inverse are damped; 0 damps none.
    """
    derivative = (under / under.mean() - over / over.mean()) / separation_nm
    intensity = np.maximum(in_focus / in_focus.mean(), AMPLITUDE_FLOOR)
    ny, nx = derivative.shape
    if microscope.border == "free":
        derivative = np.pad(derivative, ((0, ny), (0, nx)), mode="symmetric")
        intensity = np.pad(intensity, ((0, ny), (0, nx)), mode="symmetric")
    qy_per_nm, qx_per_nm = frequency_grid(derivative.shape, microscope.pixel_nm)
    q_squared = qy_per_nm**2 + qx_per_nm**2
    q_squared[0, 0] = 1.0
    inverse_laplacian = (
        -q_squared / (q_squared + cutoff_per_nm**2) ** 2 / (2 * math.pi) ** 2
    )
    inverse_laplacian[0, 0] = 0.0
    potential = np.fft.fft2(derivative) * inverse_laplacian
    flow = [
        np.fft.ifft2(2j * math.pi * q * potential).real / intensity
        for q in (qy_per_nm, qx_per_nm)
    ]
    divergence = sum(
        2j * math.pi * q * np.fft.fft2(part)
        for q, part in zip((qy_per_nm, qx_per_nm), flow, strict=True)
    )
    phase = np.fft.ifft2(divergence * inverse_laplacian).real
    phase *= 2.0 * math.pi / wavelength_nm(microscope.voltage_kv)
    cropped = phase[:ny, :nx]
    return np.asarray(cropped - cropped.mean(), dtype=np.float32)
