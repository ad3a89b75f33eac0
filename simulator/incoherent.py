"""Images as a source of finite size and energy width makes them: one for each, added up.

Every point of the source sends a plane wave, tilted by its angle, and electrons of each
energy see another focus. None of them interferes with another, so their intensities add.
A wave that comes in tilted by a leaves the specimen with all its angles moved by a; lens
and aperture act on the moved ones. For pure defocus that moves the image by a times the
defocus, and the sum is the blur of ``microscope``; aberrations and apertures treat each
tilt differently, which no blur can.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import fft

from ltemlive.physics.electron import wavelength_nm
from simulator.cone import tilts, widest_step_rad
from simulator.fine_grid import counted, fine_wave
from simulator.foci import foci
from simulator.turning import mapped, turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ltemlive.series import Microscope
    from simulator.imaging import Imaging
    from simulator.specimens import Specimen


class _Source(NamedTuple):
    """One point of the source: its share, its tilt [rad] and the focus it sees."""

    weight: float
    tilt_y: float
    tilt_x: float
    defocus_nm: float


class IncoherentImages:
    """The images of one specimen, added up over every point of the source.

    The wave is propagated on a grid ``oversampling`` times finer than the frame's, over the
    specimen's whole field. In the outer half of the margin the specimen fades to a
    membrane, so that nothing jumps where the Fourier transform joins the sides; a field
    without margin goes on periodically.

    In single precision, which is 1e-6 of the mean.
    """

    def __init__(
        self,
        specimen: Specimen,
        optics: Microscope,
        imaging: Imaging,
        *,
        unit: float | None = None,
        workers: int = 1,
    ) -> None:
        self._specimen = specimen
        self._optics = optics
        self._imaging = imaging
        self._workers = workers
        self._wavelength_nm = wavelength_nm(optics.voltage_kv)
        self._fine_nm = optics.pixel_nm / imaging.oversampling
        wave, self._shape = fine_wave(specimen, imaging.oversampling)
        self._waves = fft.fft2(wave, workers=workers)
        shown = wave[: self._shape[0], : self._shape[1]]
        mean = float((shown.real**2 + shown.imag**2).mean(dtype=float))
        self._unit = unit or mean

    def image(
        self,
        defocus_nm: float,
        *,
        shift_px: tuple[float, float] = (0.0, 0.0),
        rotation_deg: float = 0.0,
        magnification: float = 1.0,
    ) -> NDArray[np.float64]:
        """Return the noiseless intensity that each pixel of the frame counts, (ny, nx).

        As ``VirtualMicroscope.image``; the unit is that before the aperture, and what that
        stops is missing.
        """
        is_turned = (rotation_deg, magnification) != (0.0, 1.0)
        back = np.linalg.inv(turn(rotation_deg, magnification))
        along = back @ shift_px if is_turned else np.asarray(shift_px)
        fine_px = along * self._imaging.oversampling
        drifted = self._waves * _outer(
            [
                np.exp(-2j * math.pi * np.fft.fftfreq(side) * by)
                for side, by in zip(self._waves.shape, fine_px, strict=True)
            ]
        )
        intensity = np.zeros(self._waves.shape, np.float32)
        for source in self._sources(defocus_nm):
            wave = fft.ifft2(
                drifted * self._transfer(source), workers=self._workers, overwrite_x=True
            )
            intensity += source.weight * (wave.real**2 + wave.imag**2)
        seen = intensity[: self._shape[0], : self._shape[1]].astype(float)
        if is_turned:
            seen = mapped(seen, back, finer=1 if self._imaging.oversampling > 1 else 2)
        pixels = counted(seen, self._imaging.oversampling)
        return self._specimen.frame_of(pixels) / self._unit

    def _sources(self, defocus_nm: float) -> Iterator[_Source]:
        seen = foci(
            self._optics.defocus_spread_nm,
            pixel_nm=self._fine_nm,
            wavelength_nm=self._wavelength_nm,
        )
        step_rad = widest_step_rad(self._optics, self._imaging, defocus_nm)
        cone = tilts(self._optics.convergence_mrad, step_rad=step_rad)
        for tilt_weight, tilt_y, tilt_x in cone:
            for focus_weight, off_nm in seen:
                yield _Source(
                    tilt_weight * focus_weight, tilt_y, tilt_x, defocus_nm + off_nm
                )

    def _transfer(self, source: _Source) -> NDArray[np.complex64]:
        """Return what lens and aperture do to each plane wave of a tilted beam.

        A wave at the angle a advances by (pi / lambda) a^2 z, where z is the defocus that
        it sees: df + Ca cos 2(phi - phi_a) - Cs a^2 / 2. What depends on one component of
        a alone is computed along one side.
        """
        optics, defocus_nm = self._optics, source.defocus_nm
        angle_y, angle_x = (
            self._wavelength_nm * np.fft.fftfreq(side, self._fine_nm) + tilt
            for side, tilt in zip(
                self._waves.shape, (source.tilt_y, source.tilt_x), strict=True
            )
        )
        twice_rad = 2.0 * math.radians(optics.astigmatism_deg)
        along_nm = optics.astigmatism_nm * math.cos(twice_rad)
        across_nm = optics.astigmatism_nm * math.sin(twice_rad)
        spherical_nm = optics.spherical_aberration_nm
        to_phase = math.pi / self._wavelength_nm
        sides = [
            (defocus_nm + sign * along_nm) * angle**2 - 0.5 * spherical_nm * angle**4
            for sign, angle in ((-1.0, angle_y), (1.0, angle_x))
        ]
        transfer = _outer([np.exp(1j * to_phase * side) for side in sides])
        if across_nm or spherical_nm:
            product = np.multiply.outer(angle_y, angle_x)
            joint = 2.0 * across_nm * product - spherical_nm * product**2
            transfer *= np.exp(1j * np.asarray(to_phase * joint, np.float32))
        if self._imaging.aperture_mrad is not None:
            transfer *= self._passes(angle_y, angle_x, self._imaging.aperture_mrad)
        return transfer

    def _passes(
        self, angle_y: NDArray[Any], angle_x: NDArray[Any], radius_mrad: float
    ) -> NDArray[np.bool_]:
        centre_y, centre_x = self._imaging.aperture_centre_mrad
        squared = np.add.outer(
            (angle_y * 1e3 - centre_y) ** 2, (angle_x * 1e3 - centre_x) ** 2
        )
        return np.asarray(squared <= radius_mrad**2)


def _outer(sides: list[NDArray[np.complex128]]) -> NDArray[np.complex64]:
    along_y, along_x = (side.astype(np.complex64) for side in sides)
    return np.asarray(np.multiply.outer(along_y, along_x))
