"""The live engine of one series: synchronous, deterministic, driven by three calls.

``add`` takes the frames that are new, ``wish`` uses one of them or sets it aside, and
``refine`` improves the estimate by a number of steps. The engine reads no clock, opens no
file and no socket: the same calls in the same order give the same estimates, which is what
lets a replay follow the journal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ltemlive.camera import NO_CAMERA
from ltemlive.engine.estimates import Heading, estimate_by_solver, estimate_by_tie
from ltemlive.engine.news import news_of_frames, news_of_problem
from ltemlive.errors import FrameError
from ltemlive.events import AdviceGiven, Event, FrameRejected, PhaseEstimate
from ltemlive.physics.correction import as_corrected, corrected_frame
from ltemlive.recon import runtime
from ltemlive.recon.arrival import looked_on_arrival
from ltemlive.recon.graphs import prepare_graphs
from ltemlive.recon.joint import refine_jointly
from ltemlive.recon.judging import begun_again
from ltemlive.recon.model import SeriesModel, empty_model, with_frames, with_used
from ltemlive.recon.solver import SolverState, cold_start
from ltemlive.recon.starts import gentle_start, start_at, warm_start
from ltemlive.recon.transport import tie_phase
from ltemlive.recon.viewing import Basis
from ltemlive.recon.weighing import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.camera import Camera
    from ltemlive.frames import Frame
    from ltemlive.recon.evidence import Problem
    from ltemlive.series import Microscope
    from ltemlive.settings import SolverSettings


FIRST_STEPS = 20
"""After a new start, before a picture is shown instead of the one so far."""


class LiveEngine:
    """Keep the estimate of one series, warm from frame to frame.

    Parameters
    ----------
    ordinal, series
        Number of the series in its session and the id its producer gave it.
    revisions
        Where the next revision number comes from; shared by all series of a session.
    camera
        What frames are corrected for; ``microscope.camera``, loaded.
    """

    def __init__(
        self,
        ordinal: int,
        series: str,
        microscope: Microscope,
        settings: SolverSettings,
        revisions: Iterator[int],
        camera: Camera = NO_CAMERA,
    ) -> None:
        runtime.configure(settings.threads)
        self._ordinal = ordinal
        self._series = series
        self._microscope = as_corrected(microscope, camera)
        self._camera = camera
        self._known_phase_rad: NDArray[np.float32] | None = None
        self._settings = settings
        self._revisions = revisions
        self._model: SeriesModel | None = None
        self._state: SolverState | None = None
        self._t_frame_last: float | None = None
        self._steps_since_frame = 0
        self._wishes: dict[int, bool | None] = {}
        self._problem: Problem | None = None
        self._has_told_to_wait = False
        self._seqs_known: tuple[int, ...] = ()
        self._newest: tuple[PhaseEstimate, Basis] | None = None

    @property
    def newest(self) -> tuple[PhaseEstimate, Basis] | None:
        """Return the newest estimate and what it was made of; None before the first."""
        return self._newest

    @property
    def is_solvable(self) -> bool:
        """Return whether the frames so far determine a phase."""
        return self._model is not None and self._problem is None

    @property
    def wants_steps(self) -> bool:
        """Return whether more steps would still change something that matters."""
        if not self.is_solvable or self._settings.method != "ad":
            return False
        is_converged = self._state is not None and self._state.is_converged
        is_tired = self._steps_since_frame >= self._settings.max_steps
        return not (is_converged or is_tired)

    def start_at(self, phase_rad: NDArray[np.float32]) -> None:
        """Start from a phase, (ny, nx) of corrected frames, if that fits better than none.

        Of another shape it is passed over; after the first step it changes nothing.
        """
        self._known_phase_rad = phase_rad

    def add(self, frames: Sequence[Frame]) -> list[Event]:
        """Take frames in; a frame that cannot be used is rejected with its reason."""
        events: list[Event] = []
        before = self._model
        for frame in frames:
            try:
                frame = corrected_frame(self._as_wanted(frame), self._camera)
                self._model = with_frames(self._model_for(frame), [frame])
            except FrameError as error:
                seq = str(frame.meta.seq)
                events.append(FrameRejected(self._series, seq, str(error), self._ordinal))
                continue
            taken = (self._t_frame_last, frame.meta.t_exposure_start)
            self._t_frame_last = max((t for t in taken if t is not None), default=None)
        if self._model is not None and self._model is not before:
            self._steps_since_frame = 0
            problem, self._problem = self._problem, self._model.problem
            events.extend(news_of_problem(problem, self._problem, self._ordinal))
            if self._problem is None and self._settings.looks_at_frames:
                self._look_at(self._model)
            if self._state is not None:
                self._state = warm_start(self._state, self._model.series)
            events.extend(news_of_frames(before, self._model, self._ordinal))
        return events

    def wish(self, seq: int, use: bool | None) -> list[Event]:
        """Use a frame or set it aside, as the user wants; None: as it fits.

        One that has not come yet is treated so when it comes. The solver begins anew,
        because what a wrong frame has done to edges no later step undoes.
        """
        self._wishes[seq] = use
        before = self._model
        known = before.members if before is not None else ()
        wanted = [
            member.with_wish(use)
            for member in known
            if member.seq == seq and member.wish != use
        ]
        if before is None or not wanted:
            return []
        model = with_used(before, wanted)
        self._steps_since_frame = 0
        self._problem = model.problem
        if self._problem is None and self._settings.method == "ad":
            model, self._state = begun_again(model, self._state, self._settings)
            self._seqs_known = tuple(member.seq for member in model.members)
        self._model = model
        events: list[Event] = list(news_of_frames(before, model, self._ordinal))
        if self._problem is not None:
            text = f"no phase without it: {self._problem.text}"
            events.append(AdviceGiven(text, "warning", self._ordinal))
        return events

    def refine(self, n_steps: int) -> list[Event]:
        """Improve by at most ``n_steps`` and tell the estimate; nothing before that."""
        if self._model is None or not self.is_solvable:
            return []
        if self._settings.method == "tie":
            return self._transport_of_intensity(self._model)
        if self._settings.method != "ad":
            return self._only_at_the_end()
        return self._solve(self._model, n_steps)

    def view(self, seq: int | None) -> list[Event]:
        """Return the view of a frame, or (None) of TIE, and change nothing.

        It belongs to the newest estimate; an advice says why there is none.
        """
        if self._newest is None:
            text = f"nothing to show of {self._series}: it has no phase yet"
            return [AdviceGiven(text, "warning", self._ordinal)]
        estimate, basis = self._newest
        return [basis.view(seq, estimate)]

    def _as_wanted(self, frame: Frame) -> Frame:
        use = self._wishes.get(frame.meta.seq, frame.meta.use)
        return replace(frame, meta=replace(frame.meta, use=use))

    def _look_at(self, model: SeriesModel) -> None:
        self._model, self._state = looked_on_arrival(
            model, self._seqs_known, self._state, self._settings
        )
        self._seqs_known = tuple(each.seq for each in self._model.members)

    def _solve(self, before: SeriesModel, n_steps: int) -> list[Event]:
        state = self._state or self._first_state(before)
        model, advanced, report = refine_jointly(before, state, n_steps)
        # Steps that came to nothing count, too: trouble that stays must end some time.
        self._steps_since_frame += report.steps
        if not report.is_finite:
            return [self._fall_back(state, before)]
        self._model, self._state = model, advanced
        if advanced.begun_at != state.begun_at:
            self._steps_since_frame = advanced.steps_since_begun
        news = news_of_frames(before, model, self._ordinal)
        if advanced.begun_at and self._is_worse_than_before(advanced):
            return list(news)
        estimate = estimate_by_solver(
            self._next_heading(),
            model,
            advanced,
            objective=report.objective,
            is_at_rest=not self.wants_steps,
        )
        return [*news, self._keep(estimate, model)]

    def _first_state(self, model: SeriesModel) -> SolverState:
        known = self._known_phase_rad
        if known is None or known.shape != model.field.frame_shape:
            return cold_start(model.series, self._settings)
        return start_at(model.field.pad(known, mirror=True), model.series, self._settings)

    def _model_for(self, frame: Frame) -> SeriesModel:
        if self._model is not None:
            return self._model
        shape = frame.image.shape
        model = empty_model(shape, self._microscope, self._settings.border_px)
        if self._settings.method == "ad":
            # No phase yet from one frame: the time to compile for its shape.
            prepare_graphs(model.series, self._settings.memory)
        return model

    def _is_worse_than_before(self, state: SolverState) -> bool:
        """Return whether a phase that has begun anew is still in its first steps."""
        return state.steps_since_begun < FIRST_STEPS and self.wants_steps

    def _fall_back(self, state: SolverState, model: SeriesModel) -> AdviceGiven:
        """Go back to the last good state; if that was already fresh, start cold."""
        was_fresh = state.search is None and state.stage == Stage.GENTLE
        self._state = None if was_fresh else gentle_start(state, model.series)
        where = "a cold start" if was_fresh else "the last good phase"
        text = f"the solver met a result that is not finite; it goes on from {where}"
        return AdviceGiven(text, "warning", self._ordinal)

    def _only_at_the_end(self) -> list[Event]:
        if self._has_told_to_wait:
            return []
        self._has_told_to_wait = True
        text = (
            f"method {self._settings.method} gives its phase when the series has ended; "
            "methods ad and tie give one with each frame"
        )
        return [AdviceGiven(text, "warning", self._ordinal)]

    def _transport_of_intensity(self, model: SeriesModel) -> list[Event]:
        try:
            phase_rad = tie_phase(model)
        except FrameError as error:
            return [AdviceGiven(str(error), "warning", self._ordinal)]
        return [self._keep(estimate_by_tie(self._next_heading(), model, phase_rad), model)]

    def _next_heading(self) -> Heading:
        rev = next(self._revisions)
        return Heading(self._ordinal, self._series, rev, self._t_frame_last)

    def _keep(self, estimate: PhaseEstimate, model: SeriesModel) -> PhaseEstimate:
        self._newest = estimate, Basis.of(model, self._state)
        return estimate
