"""A scenario carried out: the frames of each series, and the truth behind them."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.camera import NO_CAMERA
from ltemlive.errors import ConfigError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.series import Microscope
from simulator.detector import Detector
from simulator.flaws import CameraScenario, Flaws, make_flaws
from simulator.microscope import VirtualMicroscope
from simulator.schedule import Announcement
from simulator.specimen_keys import REPEATED
from simulator.specimens import Chance, Specimen, make_specimen
from simulator.stage import frame_truths

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from numpy.typing import NDArray

    from simulator.scenario import Scenario
    from simulator.stage import FrameTruth

_SPECIMEN, _CAMERA, _PIXELS, _STAGE, _JUMP = 0, 1, 4, 5, 6
"""Streams of random numbers, so that longer series keep the frames they had; 2 and 3 are
those of faults."""
CONTAMINATED_PER_FRAME = 0.25
"""Standard deviation of the spot of dirt, in sides of the frame."""


def session_of(scenario: Scenario, *, workers: int = 1) -> list[Acquisition]:
    """Return the series of a scenario in the order in which they are acquired."""
    count = scenario.session.series_count
    return [Acquisition(scenario, index=index, workers=workers) for index in range(count)]


class Acquisition:
    """One series of a scenario; the same seed gives the same pixels.

    Frames are computed when they are asked for, and each on its own: neither order nor
    number of frames changes any of them.

    Parameters
    ----------
    scenario
        What is acquired.
    index
        Which series of its session, from 0.
    workers
        Threads of the Fourier transforms.

    Raises
    ------
    ConfigError
        If the stage goes beyond the field, whose sides join.
    """

    def __init__(self, scenario: Scenario, *, index: int = 0, workers: int = 1) -> None:
        self._scenario = scenario
        self._index = index
        self._workers = workers
        self._specimens: dict[int, Specimen] = {}
        self.microscope = Microscope.model_validate(scenario.microscope.model_dump())
        self._stays_within_the_field()

    def _stays_within_the_field(self) -> None:
        """Refuse a stage that would show the other side of what does not repeat itself."""
        specimen, border = self._scenario.specimen, self.microscope.border
        if border == "periodic" or specimen.kind in REPEATED:
            return
        reached_px = [max(map(abs, truth.shift_px)) for truth in self.truths()]
        far_px = max(reached_px)
        seq = reached_px.index(far_px)
        if far_px > specimen.margin_px:
            raise ConfigError(
                "stage: expected frames within a specimen.margin_px of "
                f"{specimen.margin_px}, got frame {seq} at {far_px:.4g} px, where the "
                f"other side of the field would show; one of {math.ceil(far_px)} would do"
            )

    @property
    def announcement(self) -> Announcement:
        """What is known before the first frame."""
        scenario = self._scenario
        plan_nm = scenario.plan_nm
        return Announcement(
            series=f"{scenario.series}-{self._index + 1}"
            if self._index
            else scenario.series,
            microscope=self.microscope,
            n_expected=len(plan_nm),
            plan_defocus_nm=plan_nm,
            pixel_type=scenario.pixel_type,
            shape=self._shape,
            camera=self._flaws.references if self._flaws is not None else NO_CAMERA,
        )

    @property
    def specimen(self) -> Specimen:
        """What stands in the beam, the margin included, when the series begins."""
        return self.specimen_in(0)

    @property
    def states(self) -> tuple[int, ...]:
        """The states of the specimen in this series: 0, and 1 if a domain jumps."""
        return (0,) if self._scenario.stage.domains_jump_at is None else (0, 1)

    def specimen_in(self, state: int) -> Specimen:
        """Return what stands in the beam in a state, the margin included."""
        if state not in self._specimens:
            self._specimens[state] = self._drawn(state)
        return self._specimens[state]

    def _drawn(self, state: int) -> Specimen:
        settings, session = self._scenario.specimen, self._scenario.session
        draws_anew = self._index if session.changes == "senses" else 0
        pattern, jump = (
            np.random.default_rng([self._scenario.seed, stream, draws_anew])
            for stream in (_SPECIMEN, _JUMP)
        )
        if session.changes == "reversal" and self._index % 2:
            reversed_t = -settings.saturation_t
            settings = settings.model_copy(update={"saturation_t": reversed_t})
        periodic = self.microscope.border == "periodic"
        return make_specimen(
            settings,
            pixel_nm=self.microscope.pixel_nm,
            voltage_kv=self.microscope.voltage_kv,
            margin_px=0 if periodic else settings.margin_px,
            chance=Chance(pattern, jump if state else None),
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

    def truths(self) -> Iterator[FrameTruth]:
        """Yield how each frame is really taken."""
        scenario = self._scenario
        return frame_truths(
            scenario.stage,
            scenario.plan_nm,
            drift_px=scenario.drift_px_per_frame,
            seconds_per_frame=scenario.exposure_s + scenario.dead_time_s,
            random=lambda seq: self._random(_STAGE, seq),
        )

    def frames(self, only: Container[int] | None = None) -> Iterator[Frame]:
        """Yield the frames in the order of the scenario; ``seq`` counts them from 0.

        Of some of them alone, ``only``, none of the others is computed.
        """
        for truth, microscope in self._prepared(only):
            image = microscope.expose(
                truth.defocus_nm,
                self._random(_CAMERA, truth.seq),
                shift_px=truth.shift_px,
                rotation_deg=truth.rotation_deg,
                magnification=truth.magnification,
            )
            yield Frame(self._meta(truth.seq, truth.stated_defocus_nm), image)

    def _prepared(
        self, only: Container[int] | None
    ) -> Iterator[tuple[FrameTruth, VirtualMicroscope]]:
        """Yield each frame's truth, and the microscope with the specimen as it is then."""
        made, microscope = None, None
        for truth in self.truths():
            if only is not None and truth.seq not in only:
                continue
            wanted = (truth.state, truth.contamination)
            if microscope is None or wanted != made:
                made, microscope = wanted, self._microscope(*wanted)
            yield truth, microscope

    def _microscope(self, state: int, contamination: float) -> VirtualMicroscope:
        specimen = self.specimen_in(state)
        clean = float((specimen.amplitude**2).mean())
        if contamination:
            specimen = contaminated(specimen, contamination)
        return VirtualMicroscope(
            specimen,
            self.microscope,
            self._detector(),
            imaging=self._scenario.imaging,
            unit=clean,
            workers=self._workers,
        )

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

    @property
    def _shape(self) -> tuple[int, int]:
        side_px = self._scenario.specimen.size_px
        return side_px, side_px

    @cached_property
    def _flaws(self) -> Flaws | None:
        """The camera's, which is the same for all series of a session."""
        settings = self._scenario.camera
        if settings == CameraScenario():
            return None
        rng = np.random.default_rng([self._scenario.seed, _PIXELS])
        return make_flaws(settings, self._shape, rng)

    def _random(self, *stream: int) -> np.random.Generator:
        """Return random numbers of a frame in this series."""
        series = [self._index] if self._index else []
        return np.random.default_rng([self._scenario.seed, *stream, *series])


def contaminated(specimen: Specimen, loss: float) -> Specimen:
    """Return a specimen with a spot of dirt, exp(-loss) of the amplitude in its middle."""
    sides = [np.linspace(-0.5, 0.5, side) * side for side in specimen.amplitude.shape]
    width_px = CONTAMINATED_PER_FRAME * min(
        side - 2 * specimen.margin_px for side in specimen.amplitude.shape
    )
    squared = np.add.outer(sides[0] ** 2, sides[1] ** 2) / width_px**2
    left = np.exp(-loss * np.exp(-0.5 * squared))
    return replace(specimen, amplitude=specimen.amplitude * left)
