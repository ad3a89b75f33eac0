"""The phase that a thin film gives to a fast electron, from what the film is made of.

Conventions (docs/conventions.md): x right, y down, z along the beam into the image, which
is a right-handed system; wave exp(+i k.r); vector fields are stacked (y, x).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft, special

from ltemlive.physics.electron import (
    HBAR_OVER_E_T_NM2,
    interaction_constant_rad_per_v_nm,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def electrostatic_phase(
    thickness_nm: NDArray[Any], *, inner_potential_v: float, voltage_kv: float
) -> NDArray[np.float64]:
    """Return sigma V0 t [rad]: the mean inner potential advances the wave."""
    sigma = interaction_constant_rad_per_v_nm(voltage_kv)
    return np.asarray(sigma * inner_potential_v * thickness_nm, np.float64)


def continued_magnetic_phase(
    moment_t_nm: NDArray[Any], *, pixel_nm: float, workers: int = 1
) -> NDArray[np.float64]:
    """Return the Aharonov-Bohm phase [rad] of a film that is repeated beyond the array.

    The relation of ``magnetic_phase``, without its cut. The mean of ``moment_t_nm``, which
    would tilt the phase, is left out, and so is the mean of the phase.
    """
    ny, nx = moment_t_nm.shape[1:]
    curl, k_squared = _curl(moment_t_nm, (ny, nx), pixel_nm, workers)
    phase = fft.irfft2(curl / k_squared, s=(ny, nx), workers=workers)
    return np.asarray(phase / HBAR_OVER_E_T_NM2)


def magnetic_phase(
    moment_t_nm: NDArray[Any], *, pixel_nm: float, workers: int = 1
) -> NDArray[np.float64]:
    """Return the Aharonov-Bohm phase of an isolated film, its stray field included.

    The line integral of the vector potential A of a film of magnetisation M is, with r in
    the plane (Mansuripur, J. Appl. Phys. 69, 2455 (1991); Beleggia & Zhu, Phil. Mag. 83,
    1045 (2003)),

        int A_z dz = mu0 / (2 pi)  int t (M_x y - M_y x) / r^2   (a convolution)
        phase = -(e / hbar) int A_z dz

    In Fourier space x / r^2 becomes -2 pi i k_x / k^2. A DFT would add the stray fields of
    periodic copies. So the kernel is cut off at the field's diagonal R, which leaves every
    distance within the field exact and multiplies its transform by 1 - J0(k R), and the
    field is padded until no copy lies within reach.

    Parameters
    ----------
    moment_t_nm
        (mu0 M_y t, mu0 M_x t) [T nm], shape (2, ny, nx); zero outside the array.
    pixel_nm
        Edge of a square pixel [nm].
    workers
        Threads of the Fourier transforms.

    Returns
    -------
    NDArray[np.float64]
        Phase [rad], shape (ny, nx), zero at infinity.
    """
    ny, nx = moment_t_nm.shape[1:]
    reach_px = math.hypot(ny, nx)
    padded = [fft.next_fast_len(math.ceil(side + reach_px), real=True) for side in (ny, nx)]
    curl, k_squared = _curl(moment_t_nm, padded, pixel_nm, workers)
    cut_off = 1.0 - special.j0(np.sqrt(k_squared) * reach_px * pixel_nm)
    phase = fft.irfft2(curl * cut_off / k_squared, s=padded, workers=workers)
    return np.asarray(phase[:ny, :nx] / HBAR_OVER_E_T_NM2)


def _curl(
    moment_t_nm: NDArray[Any], shape: Sequence[int], pixel_nm: float, workers: int
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return the curl of a padded film along the beam and k^2, both in Fourier space.

    Where k = 0 there is no curl, and k^2 is 1, which can be divided by.
    """
    k_y = 2.0 * math.pi * np.fft.fftfreq(shape[0], pixel_nm)[:, np.newaxis]
    k_x = 2.0 * math.pi * np.fft.rfftfreq(shape[1], pixel_nm)[np.newaxis, :]
    k_squared = k_y**2 + k_x**2
    k_squared[0, 0] = 1.0
    moment_y, moment_x = fft.rfft2(moment_t_nm, s=shape, workers=workers)
    return 1j * (k_y * moment_x - k_x * moment_y), k_squared
