"""How a Lorentz lens transfers the exit wave, and what blurs the image.

Conventions (docs/conventions.md): wave exp(+i k.r), defocus > 0 is UNDERfocus, frequencies
q in cycles per nm, DFT unnormalised forwards and 1/N backwards.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.physics.electron import wavelength_nm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.series import Microscope


IN_FOCUS_RAD = 0.1
"""Largest phase of the transfer function that still counts as in focus."""
AMPLITUDE_TOLERANCE = 0.02
"""How far the transfer of any wave may be from 1 in an image that shows the amplitude."""


def frequency_grid(
    shape: tuple[int, int], pixel_nm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (qy, qx) [1/nm] of a DFT, shapes (ny, 1) and (1, nx), zero frequency first."""
    qy_per_nm = np.asarray(np.fft.fftfreq(shape[0], pixel_nm), np.float64)
    qx_per_nm = np.asarray(np.fft.fftfreq(shape[1], pixel_nm), np.float64)
    return qy_per_nm[:, np.newaxis], qx_per_nm[np.newaxis, :]


def aberration_phase(
    shape: tuple[int, int], defocus_nm: float, microscope: Microscope
) -> NDArray[np.float64]:
    """Return chi [rad], shape (ny, nx), of the transfer function exp(-i chi).

    chi = -pi lambda (df + Ca cos 2(phi - phi_a)) q^2 + (pi / 2) Cs lambda^3 q^4, with phi
    counted from x (right) towards y (down).
    """
    qy_per_nm, qx_per_nm = frequency_grid(shape, microscope.pixel_nm)
    q_squared = qy_per_nm**2 + qx_per_nm**2
    wavelength = wavelength_nm(microscope.voltage_kv)
    chi = -math.pi * wavelength * defocus_nm * q_squared
    if microscope.astigmatism_nm:
        azimuth = np.arctan2(qy_per_nm, qx_per_nm)
        twofold = np.cos(2.0 * (azimuth - math.radians(microscope.astigmatism_deg)))
        chi -= math.pi * wavelength * microscope.astigmatism_nm * twofold * q_squared
    spherical = 0.5 * math.pi * microscope.spherical_aberration_nm * wavelength**3
    return chi + spherical * q_squared**2


def coherence_envelope(
    shape: tuple[int, int], defocus_nm: float, microscope: Microscope
) -> NDArray[np.float64]:
    """Return the damping D <= 1 that acts on the WAVE, shape (ny, nx).

    De Graef, "Introduction to Conventional TEM" (2003), as printed in the paper (Zhou,
    Cherukara & Phatak, arXiv 2012.04037):

        D = exp{-[(pi lambda Delta)^2 q^4 / 2
                  + (pi theta_c / lambda)^2 (Cs lambda^3 q^3 - df lambda q)^2] / u}
        u = 1 + 2 (pi theta_c Delta q)^2

    With ``coherence: intensity`` the divergence theta_c acts on the intensity instead
    (``intensity_blur``), and only the defocus spread Delta is left here.
    """
    qy_per_nm, qx_per_nm = frequency_grid(shape, microscope.pixel_nm)
    q_squared = qy_per_nm**2 + qx_per_nm**2
    q_per_nm = np.sqrt(q_squared)
    wavelength = wavelength_nm(microscope.voltage_kv)
    spread_nm = microscope.defocus_spread_nm
    temporal = 0.5 * (math.pi * wavelength * spread_nm) ** 2 * q_squared**2
    if microscope.coherence == "intensity":
        return np.asarray(np.exp(-temporal))
    divergence_rad = microscope.convergence_mrad * 1e-3
    slope_nm = (
        microscope.spherical_aberration_nm * wavelength**3 * q_per_nm**3
        - defocus_nm * wavelength * q_per_nm
    )
    spatial = (math.pi * divergence_rad / wavelength * slope_nm) ** 2
    coupling = 1.0 + 2.0 * (math.pi * divergence_rad * spread_nm) ** 2 * q_squared
    return np.asarray(np.exp(-(temporal + spatial) / coupling))


def transfer_function(
    shape: tuple[int, int], defocus_nm: float, microscope: Microscope
) -> NDArray[np.complex64]:
    """Return T = D exp(-i chi), which multiplies the DFT of the exit wave; (ny, nx)."""
    chi = aberration_phase(shape, defocus_nm, microscope)
    envelope = coherence_envelope(shape, defocus_nm, microscope)
    return np.asarray(envelope * np.exp(-1j * chi), dtype=np.complex64)


def blurs_intensity(microscope: Microscope) -> bool:
    """Return whether ``intensity_blur`` is anything but ones."""
    return microscope.coherence == "intensity" or microscope.detector_mtf < 1.0


def intensity_blur(
    shape: tuple[int, int], defocus_nm: float, microscope: Microscope
) -> NDArray[np.float32]:
    """Return what multiplies the real DFT of the INTENSITY, shape (ny, nx // 2 + 1).

    A source of half angle theta_c (exp(-(a / theta_c)^2)) moves the defocused image by
    a df, so its images add up to a Gaussian blur of standard deviation
    theta_c |df| / sqrt 2, which conserves flux: exp(-(pi theta_c df q)^2). Exact for pure
    defocus, and left out with ``coherence: wave``.

    The camera then leaves M^((q / q_h)^2), with M ``detector_mtf`` and q_h half the Nyquist
    frequency. A pixel that counts what falls on it leaves sinc(q_y) sinc(q_x), from which
    that of M = 0.9 is nowhere .03 away.
    """
    left = _left_of_intensity(shape, defocus_nm, microscope)
    return np.asarray(left[:, : shape[1] // 2 + 1], dtype=np.float32)


def _left_of_intensity(
    shape: tuple[int, int], defocus_nm: float, microscope: Microscope
) -> NDArray[np.float64]:
    """Return what beam and camera leave of each wave of the intensity, shape (ny, nx)."""
    qy_per_nm, qx_per_nm = frequency_grid(shape, microscope.pixel_nm)
    divergence_rad = microscope.convergence_mrad * 1e-3
    if microscope.coherence == "wave":
        divergence_rad = 0.0
    per_q_squared = -((math.pi * divergence_rad * defocus_nm) ** 2)
    half_nyquist_per_nm = 0.25 / microscope.pixel_nm
    per_q_squared += math.log(microscope.detector_mtf) / half_nyquist_per_nm**2
    return np.asarray(np.exp(per_q_squared * (qy_per_nm**2 + qx_per_nm**2)))


def delocalisation_px(defocus_nm: float, microscope: Microscope) -> float:
    """Return how far defocus moves the finest waves sideways [pixel].

    lambda |df| q at the Nyquist frequency: a sharp edge shows so far from where it is.
    """
    wavelength = wavelength_nm(microscope.voltage_kv)
    return 0.5 * wavelength * abs(defocus_nm) / microscope.pixel_nm**2


def shift_of_plane(slope_rad: float, defocus_nm: float, microscope: Microscope) -> float:
    """Return how far [pixel] a plane in the phase of its wave moves an image.

    ``slope_rad`` is that of the phase [rad per pixel], and the shift is along it:
    -lambda df slope / (2 pi pixel^2), for underfocus shows the wave upstream.
    """
    deflected = wavelength_nm(microscope.voltage_kv) * slope_rad / (2.0 * math.pi)
    return -deflected * defocus_nm / microscope.pixel_nm**2


def growth_of_parabola(
    curvature_rad: float, defocus_nm: float, microscope: Microscope
) -> float:
    """Return the log magnification of an image by a parabola in the phase of its wave.

    ``curvature_rad`` is c of the phase c r^2, r in pixels: its slope at r is 2 c r, which
    moves what stands there (``shift_of_plane``). To first order.
    """
    return shift_of_plane(2.0 * curvature_rad, defocus_nm, microscope)


def is_in_focus(defocus_nm: float, microscope: Microscope) -> bool:
    """Return whether even the finest wave of a phase stays all but invisible."""
    finest_per_nm = 0.5 / microscope.pixel_nm
    wavelength = wavelength_nm(microscope.voltage_kv)
    return math.pi * wavelength * abs(defocus_nm) * finest_per_nm**2 < IN_FOCUS_RAD


def weak_contrasts(
    shape: tuple[int, int], defocus_nm: float, microscope: Microscope
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how strongly a weak phase and a weak log amplitude show in sqrt(intensity).

    sin(chi) D and cos(chi) D, each of shape (ny, nx), times the blur of the intensity where
    there is one. In focus the first vanishes: a pure phase is invisible there.
    """
    chi = aberration_phase(shape, defocus_nm, microscope)
    damping = coherence_envelope(shape, defocus_nm, microscope)
    damping = damping * _left_of_intensity(shape, defocus_nm, microscope)
    return np.sin(chi) * damping, np.cos(chi) * damping


@functools.lru_cache(maxsize=256)
def shows_amplitude(
    shape: tuple[int, int], defocus_nm: float, microscope: Microscope
) -> bool:
    """Return whether an image is the squared amplitude itself, on a grid of ``shape``.

    In focus it is, unless spherical aberration, the spread of defocus or the blur of the
    camera tell at its pixels.
    """
    of_phase, of_amplitude = weak_contrasts(shape, defocus_nm, microscope)
    change = np.hypot(of_phase, of_amplitude - 1.0)
    return bool(change.max() < AMPLITUDE_TOLERANCE)
