"""A scenario carried out: the frames of one series, and the truth behind them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.camera import NO_CAMERA
from ltemlive.frames import Frame, FrameMeta
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.flaws import CameraScenario, Flaws, make_flaws
from simulator.microscope import VirtualMicroscope
from simulator.schedule import Announcement
from simulator.specimens import Specimen, make_specimen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from simulator.scenario import Scenario

_SPECIMEN, _CAMERA, _PIXELS = 0, 1, 4
"""Streams of random numbers, so that longer series keep the frames they had; 2 and 3 are
those of faults."""


class Acquisition:
    """One series of a scenario; the same seed gives the same pixels.

    Frames are computed when they are asked for, and each on its own: neither order nor
    number of frames changes any of them.
    """

    def __init__(self, scenario: Scenario, *, workers: int = 1) -> None:
        self._scenario = scenario
        self._workers = workers
        self.microscope = Microscope.model_validate(scenario.microscope.model_dump())

    @property
    def announcement(self) -> Announcement:
        """What is known before the first frame."""
        scenario = self._scenario
        return Announcement(
            series=scenario.series,
            microscope=self.microscope,
            n_expected=len(scenario.defocus_nm),
            plan_defocus_nm=scenario.defocus_nm,
            pixel_type=scenario.pixel_type,
            shape=self._shape,
            camera=self._flaws.references if self._flaws is not None else NO_CAMERA,
        )

    @property
    def _shape(self) -> tuple[int, int]:
        side_px = self._scenario.specimen.size_px
        return side_px, side_px

    @cached_property
    def _flaws(self) -> Flaws | None:
        settings = self._scenario.camera
        if settings == CameraScenario():
            return None
        return make_flaws(settings, self._shape, self._random(_PIXELS))

    @cached_property
    def specimen(self) -> Specimen:
        """What stands in the beam, the margin included."""
        periodic = self.microscope.border == "periodic"
        return make_specimen(
            self._scenario.specimen,
            pixel_nm=self.microscope.pixel_nm,
            voltage_kv=self.microscope.voltage_kv,
            margin_px=0 if periodic else self._scenario.specimen.margin_px,
            rng=self._random(_SPECIMEN),
            workers=self._workers,
        )

    @property
    def truth_phase_rad(self) -> NDArray[np.float32]:
        """The phase in the frame, shape (ny, nx), zero far from the film."""
        return self.specimen.frame_of(self.specimen.phase_rad).astype(np.float32)

    @property
    def truth_amplitude(self) -> NDArray[np.float32]:
        """The amplitude in the frame over its root mean square, shape (ny, nx)."""
        amplitude = self.specimen.frame_of(self.specimen.amplitude)
        return np.asarray(amplitude / np.sqrt((amplitude**2).mean()), np.float32)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order of the scenario; ``seq`` counts them from 0."""
        scenario = self._scenario
        microscope = VirtualMicroscope(
            self.specimen,
            self.microscope,
            self._detector(),
            imaging=scenario.imaging,
            workers=self._workers,
        )
        drift_y, drift_x = scenario.drift_px_per_frame
        for seq, defocus_nm in enumerate(scenario.defocus_nm):
            image = microscope.expose(
                defocus_nm,
                self._random(_CAMERA, seq),
                shift_px=(seq * drift_y, seq * drift_x),
            )
            yield Frame(self._meta(seq, defocus_nm), image)

    def _meta(self, seq: int, defocus_nm: float) -> FrameMeta:
        return FrameMeta(
            seq=seq,
            defocus_nm=defocus_nm,
            pixel_nm=self.microscope.pixel_nm,
            voltage_kv=self.microscope.voltage_kv,
            exposure_s=self._scenario.exposure_s,
        )

    def _detector(self) -> Detector:
        noise = self._scenario.noise
        return Detector(
            noise.kind,
            noise.level,
            noise.dose_e_per_px,
            self._scenario.pixel_type,
            self._flaws,
        )

    def _random(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self._scenario.seed, *stream])
