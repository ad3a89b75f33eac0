"""How a Lorentz microscope turns an exit wave into an image.

Written from free-space propagation, on purpose without ``ltemlive.physics.optics``: a
simulator that shared the solver's formulas would confirm their mistakes.

A lens that is weaker than it should be (underfocus, defocus > 0) has its object plane
farther away, so it shows the wave as it was *upstream* of the specimen: the exit wave
propagated by -defocus. Third-order spherical aberration makes a lens too strong for waves
that travel at an angle; at the angle a they see the defocus df - Cs a^2 / 2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from ltemlive.physics.electron import wavelength_nm
from simulator.foci import foci
from simulator.imaging import ENVELOPE
from simulator.incoherent import IncoherentImages
from simulator.turning import mapped, turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ltemlive.series import Microscope
    from simulator.detector import Detector
    from simulator.imaging import Imaging
    from simulator.specimens import Specimen


class VirtualMicroscope:
    """A specimen in a column with a camera: ``expose`` takes one image.

    The wave is propagated on the specimen's whole field and the camera sees the frame in
    its middle. The margin keeps apart what the Fourier transform would join at the seam.
    ``imaging`` may have images added up instead (``incoherent``). ``unit`` is the
    transmitted intensity that is 1 in the images; None: the specimen's own mean.
    """

    def __init__(
        self,
        specimen: Specimen,
        optics: Microscope,
        detector: Detector,
        *,
        imaging: Imaging = ENVELOPE,
        unit: float | None = None,
        workers: int = 1,
    ) -> None:
        self._specimen = specimen
        self._optics = optics
        self._detector = detector
        self._workers = workers
        self._summed = (
            IncoherentImages(specimen, optics, imaging, unit=unit, workers=workers)
            if imaging.model == "incoherent"
            else None
        )
        self._wavelength_nm = wavelength_nm(optics.voltage_kv)
        wave = specimen.amplitude * np.exp(1j * specimen.phase_rad)
        self._shape = wave.shape
        self._waves = fft.fft2(wave, workers=workers)
        self._unit = unit or float((specimen.amplitude**2).mean())

    def expose(
        self,
        defocus_nm: float,
        rng: np.random.Generator,
        *,
        shift_px: tuple[float, float] = (0.0, 0.0),
        rotation_deg: float = 0.0,
        magnification: float = 1.0,
    ) -> NDArray[np.generic]:
        """Return what the camera reads out, noise included, shape (ny, nx)."""
        intensity = self.image(
            defocus_nm,
            shift_px=shift_px,
            rotation_deg=rotation_deg,
            magnification=magnification,
        )
        return self._detector.read_out(intensity, rng)

    def image(
        self,
        defocus_nm: float,
        *,
        shift_px: tuple[float, float] = (0.0, 0.0),
        rotation_deg: float = 0.0,
        magnification: float = 1.0,
    ) -> NDArray[np.float64]:
        """Return the noiseless intensity in the frame, shape (ny, nx).

        Parameters
        ----------
        defocus_nm
            Positive is underfocus.
        shift_px
            (dy, dx): what stands at r without a shift stands at r + shift.
        rotation_deg, magnification
            Before it is shifted, the image is rotated about its middle, from x (right)
            towards y (down), and magnified.

        Returns
        -------
        NDArray[np.float64]
            In units of the mean over the whole field, which no defocus changes, or of
            ``unit``.
        """
        if self._summed is not None:
            return self._summed.image(
                defocus_nm,
                shift_px=shift_px,
                rotation_deg=rotation_deg,
                magnification=magnification,
            )
        specimen = self._specimen
        is_turned = (rotation_deg, magnification) != (0.0, 1.0)
        back = np.linalg.inv(turn(rotation_deg, magnification))
        along_y, along_x = back @ shift_px if is_turned else shift_px
        drifted = self._waves * self._drift((float(along_y), float(along_x)))
        intensity = np.zeros(self._shape)
        for weight, plane_nm in self._planes(defocus_nm):
            wave = fft.ifft2(drifted * self._transfer(plane_nm), workers=self._workers)
            intensity += weight * (wave.real**2 + wave.imag**2)
        if self._optics.coherence == "intensity":
            intensity = self._blurred(intensity, defocus_nm)
        if is_turned:
            intensity = mapped(intensity, back)
        return specimen.frame_of(intensity) / self._unit

    def _planes(self, defocus_nm: float) -> Iterator[tuple[float, float]]:
        """Yield (weight, defocus) of the images that add up incoherently."""
        spread_nm = self._optics.defocus_spread_nm
        if self._optics.coherence == "wave":
            yield 1.0, defocus_nm
            return
        pixel_nm = self._specimen.pixel_nm
        for weight, off_nm in foci(
            spread_nm, pixel_nm=pixel_nm, wavelength_nm=self._wavelength_nm
        ):
            yield weight, defocus_nm + off_nm

    def _angles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the angles (y, x) [rad] at which the plane waves travel."""
        pixel_nm = self._specimen.pixel_nm
        angle_y, angle_x = (
            np.asarray(self._wavelength_nm * np.fft.fftfreq(side, pixel_nm), np.float64)
            for side in self._shape
        )
        return angle_y[:, np.newaxis], angle_x[np.newaxis, :]

    def _drift(self, shift_px: tuple[float, float]) -> NDArray[np.complex128] | float:
        """Return what moves the wave by a shift, by the Fourier shift theorem."""
        if shift_px == (0.0, 0.0):
            return 1.0
        cycles_y = np.fft.fftfreq(self._shape[0])[:, np.newaxis] * shift_px[0]
        cycles_x = np.fft.fftfreq(self._shape[1])[np.newaxis, :] * shift_px[1]
        return np.asarray(np.exp(-2j * math.pi * (cycles_y + cycles_x)))

    def _transfer(self, defocus_nm: float) -> NDArray[np.complex128]:
        """Return what the lens does to each plane wave.

        A wave at the angle a to the axis lags by (pi / lambda) a^2 z behind one along the
        axis after a distance z (Fresnel's approximation); here z is -defocus.
        """
        optics = self._optics
        angle_y, angle_x = self._angles()
        angle_squared = angle_y**2 + angle_x**2
        seen_nm = defocus_nm - 0.5 * optics.spherical_aberration_nm * angle_squared
        if optics.astigmatism_nm:
            azimuth = np.arctan2(angle_y, angle_x) - math.radians(optics.astigmatism_deg)
            seen_nm = seen_nm + optics.astigmatism_nm * np.cos(2.0 * azimuth)
        advance_rad = math.pi / self._wavelength_nm * angle_squared * seen_nm
        transfer = np.exp(1j * advance_rad)
        if optics.coherence == "wave":
            transfer *= self._wave_envelope(np.sqrt(angle_squared), defocus_nm)
        return np.asarray(transfer)

    def _wave_envelope(
        self, angle: NDArray[np.float64], defocus_nm: float
    ) -> NDArray[np.float64]:
        """Return the damping that stands for partial coherence in the paper.

        De Graef, "Introduction to Conventional TEM" (2003): a source that subtends
        ``theta`` mixes waves by the slope of the wave front, ``ray_nm``, and the spread of
        the defocus mixes them by its curvature. It loses flux, which no microscope does.
        """
        optics = self._optics
        theta = optics.convergence_mrad * 1e-3
        to_phase = math.pi / self._wavelength_nm
        ray_nm = (optics.spherical_aberration_nm * angle**2 - defocus_nm) * angle
        spatial = (to_phase * theta * ray_nm) ** 2
        temporal = 0.5 * (to_phase * optics.defocus_spread_nm * angle**2) ** 2
        coupling = 1.0 + 2.0 * (to_phase * theta * optics.defocus_spread_nm * angle) ** 2
        return np.asarray(np.exp(-(spatial + temporal) / coupling))

    def _blurred(
        self, intensity: NDArray[np.float64], defocus_nm: float
    ) -> NDArray[np.float64]:
        """Return the sum of the images that each direction of the source makes.

        A beam tilted by a moves the defocused image by a defocus. Angles distributed as
        exp(-(a / theta)^2) make that a Gaussian of standard deviation
        theta |defocus| / sqrt 2; it conserves flux.
        """
        theta = self._optics.convergence_mrad * 1e-3
        sigma_px = theta * abs(defocus_nm) / math.sqrt(2.0) / self._specimen.pixel_nm
        if sigma_px == 0.0:
            return intensity
        cycles_y = np.fft.fftfreq(self._shape[0])[:, np.newaxis]
        cycles_x = np.fft.rfftfreq(self._shape[1])[np.newaxis, :]
        kernel = np.exp(-2.0 * (math.pi * sigma_px) ** 2 * (cycles_y**2 + cycles_x**2))
        blurred = fft.rfft2(intensity, workers=self._workers) * kernel
        return np.asarray(fft.irfft2(blurred, s=self._shape, workers=self._workers))
