"""What happens during a session, as values that travel from the engine to every sink.

Events are facts in the past tense. They carry no sockets, files or clocks; where a time is
needed, whoever owns the clock put it there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Beam: TypeAlias = Literal["into_image", "out_of_image"]
ExitStatus: TypeAlias = Literal["success", "abort", "fail", "abandoned"]
"""How a series ended; abandoned: nobody knows of an end, and it may go on."""


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The session folder exists and ingest is open."""

    session: str
    """Name of the session folder."""


@dataclass(frozen=True, slots=True)
class SeriesStarted:
    """A producer announced a series, or its first frame came."""

    ordinal: int
    """Number of the series within the session, from 1; names its folder."""
    series: str
    """The id its producer gave it."""
    n_expected: int | None = None


@dataclass(frozen=True, slots=True)
class FrameStored:
    """A frame is on disk and may be acknowledged."""

    ordinal: int
    series: str
    seq: int
    defocus_nm: float | None
    t_stored: float


@dataclass(frozen=True, slots=True)
class FrameRejected:
    """A frame is not used; the series goes on without it."""

    series: str
    frame: str
    """Its seq, or its file name where it has no seq."""
    reason: str
    ordinal: int | None = None


class FrameDeviations(NamedTuple):
    """How well it is known what was refined with the phase: standard deviations.

    Lists run parallel to ``PhaseEstimate.seqs_used``; None where it is not refined.
    """

    defocus_nm: tuple[float | None, ...] | None = None
    """None of a frame in focus, too."""
    shift_px: tuple[tuple[float, float], ...] | None = None
    rotation_deg: tuple[float, ...] | None = None
    magnification: tuple[float, ...] | None = None
    convergence_mrad: float | None = None


class PhaseSigmas(NamedTuple):
    """How sure a phase is: standard deviation of a pixel, rms over the frame.

    Less its plane, which no data can tell; of the noise of the images and of what is
    expected of a phase, not of wrong optics.
    """

    phase_rad: float
    gradient_rad_per_nm: float
    """Of each component."""
    induction_t_nm: float


@dataclass(frozen=True, slots=True, eq=False)
class PhaseEstimate:
    """The phase and amplitude after ``rev`` revisions of one series.

    Arrays have shape (ny, nx) of the frames; the phase is unwrapped and has zero mean.
    """

    ordinal: int
    series: str
    rev: int
    """Counts up within the session, never down, whatever the series."""
    seqs_used: tuple[int, ...]
    defocus_nm: tuple[float, ...]
    """Defocus of each frame in ``seqs_used``, positive is underfocus."""
    steps: int
    """Solver steps since the series began."""
    gradient_evaluations: int
    objective: tuple[float, ...]
    """The objective after each step of this revision."""
    is_final: bool
    phase_rad: NDArray[np.float32]
    amplitude: NDArray[np.float32]
    pixel_nm: float
    device: str
    beam: Beam = "into_image"
    """Which way electrons go: the sign of the induction."""
    t_frame_last: float | None = None
    """Start of the newest exposure used, seconds since 1970."""
    shift_px: tuple[tuple[float, float], ...] = ()
    """(dy, dx) of each frame in ``seqs_used`` against the reference frame; empty where
    frames are taken as they are."""
    rotation_deg: tuple[float, ...] = ()
    """How each of them is rotated against the reference frame, from x towards y."""
    magnification: tuple[float, ...] = ()
    convergence_mrad: float | None = None
    """As refined with the phase; None: it is taken as stated."""
    deviations: FrameDeviations | None = None
    """None while the phase is on its way."""
    phase_sigma_rad: NDArray[np.float32] | None = None
    """Standard deviation of the phase at each pixel; None while it is on its way."""
    sigmas: PhaseSigmas | None = None
    holdout: tuple[float, ...] = ()
    """How each of them fits what the others predict (1 does, more does not); empty where
    the method cannot tell."""
    set_aside: tuple[tuple[int, str], ...] = ()
    """(seq, reason) of each frame that is stored and not used."""
    notes: tuple[str, ...] = field(default_factory=tuple)
    """What the user should know about this estimate, one sentence each."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """A frame beside what an estimate predicts of it, where that has the same content.

    Arrays have shape (ny, nx) of the reference frame, and are NaN where the frame shows
    nothing or is not believed.
    """

    ordinal: int
    series: str
    rev: int
    """Of the estimate."""
    is_final: bool
    seq: int
    measured: NDArray[np.float32]
    """Intensity relative to its mean."""
    predicted: NDArray[np.float32]
    residual: NDArray[np.float32]
    """Measured less predicted, in standard deviations of the noise."""
    pixel_nm: float
    score: float | None = None
    """How the frame fits what the others predict (1 does); None where nobody can tell."""
    aside: str | None = None
    """Why it is not used; None: it is."""


@dataclass(frozen=True, slots=True, eq=False)
class TieView:
    """What the transport of intensity makes of the frames of an estimate."""

    ordinal: int
    series: str
    rev: int
    """Of the estimate."""
    is_final: bool
    phase_rad: NDArray[np.float32]
    """Zero mean, shape (ny, nx) of the reference frame."""
    pixel_nm: float


View: TypeAlias = FrameView | TieView


@dataclass(frozen=True, slots=True)
class AdviceGiven:
    """Something the user should know or do, in one sentence."""

    text: str
    level: Literal["info", "warning", "error"] = "info"
    ordinal: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesEnded:
    """No more frames will come, and the final result (if any) is on disk."""

    ordinal: int
    series: str
    exit_status: ExitStatus
    folder: str = ""
    """Where the results are; empty where there are none."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The daemon says goodbye."""

    session: str


Event: TypeAlias = (
    SessionStarted
    | SeriesStarted
    | FrameStored
    | FrameRejected
    | PhaseEstimate
    | View
    | AdviceGiven
    | SeriesEnded
    | SessionEnded
)
