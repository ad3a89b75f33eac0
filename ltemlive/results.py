"""The outcome of one series: phase, amplitude, and the report that goes with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.camera import CameraSettings
    from ltemlive.events import Event, FrameDeviations, PhaseEstimate, PhaseSigmas
    from ltemlive.series import Microscope, RejectedFrame


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds spent in each stage; None where the stage did not happen."""

    load: float | None = None
    register: float | None = None
    solve: float | None = None
    export: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What ``report.json`` holds; per-frame lists run parallel to ``frames_used``."""

    frames_used: tuple[str, ...]
    """File name of each frame in seq order, or its seq where it has no file."""
    frames_rejected: tuple[RejectedFrame, ...]
    defocus_nm: tuple[float, ...]
    noise_sigma: float | None
    """Standard deviation of sqrt(intensity / mean), estimated from the images."""
    steps: int
    gradient_evaluations: int
    seconds: Timing
    objective: tuple[float, ...]
    device: str
    versions: dict[str, str]
    method: str
    shift_px: tuple[tuple[float, float], ...] | None = None
    """(dy, dx) of each frame; None: the frames were taken as aligned."""
    rotation_deg: tuple[float, ...] | None = None
    """Of each frame against the reference frame, from x towards y; None: neither is looked
    for; zeros: this one is not."""
    magnification: tuple[float, ...] | None = None
    camera: CameraSettings | None = None
    """What raw frames were corrected for; None: nothing."""
    convergence_mrad: float | None = None
    """As refined with the phase; None: it was taken as stated."""
    deviations: FrameDeviations | None = None
    """Standard deviations of the above; None: the method refines none of them."""
    holdout: tuple[float, ...] | None = None
    """How each frame compares with what the others predict, squared and in units of what
    noise and uncertainty explain: 1 fits, more does not; None: the method cannot tell."""
    uncertainty: PhaseSigmas | None = None
    """Of the phase and of what is computed from it; None: it is not at rest, or the method
    cannot tell."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""
    truth: dict[str, float] | None = None
    """Accuracy against a known phase, where there is one (the demo)."""
    solver: dict[str, Any] | None = None
    """The resolved settings of the solver; None: nobody said."""

    def as_document(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        document = asdict(self)
        if self.deviations is not None:
            document["deviations"] = self.deviations._asdict()
        if self.uncertainty is not None:
            document["uncertainty"] = self.uncertainty._asdict()
        if self.camera is not None:
            document["camera"] = self.camera.model_dump(exclude_defaults=True)
        document["frames_rejected"] = [
            {"file": rejected.frame, "reason": rejected.reason}
            if not rejected.frame.isdecimal()
            else {"seq": int(rejected.frame), "reason": rejected.reason}
            for rejected in self.frames_rejected
        ]
        return document


class Viewable(Protocol):
    """What a result was made of, to look at it (``recon.viewing.Basis``)."""

    def view(self, seq: int | None, estimate: PhaseEstimate) -> Event:
        """Return the view of a frame, or (None) of TIE; an advice where there is none.

        ``estimate`` is the result as it was told.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """The final result of one series, on the grid of its frames."""

    phase_rad: NDArray[np.float32]
    """Unwrapped, zero mean, shape (ny, nx)."""
    amplitude: NDArray[np.float32]
    """Square root of the in-focus intensity over its mean, shape (ny, nx)."""
    microscope: Microscope
    report: Report
    title: str = field(default="series")
    """How the user knows the series."""
    seqs_used: tuple[int, ...] = ()
    """Number of each frame used, as ``report.frames_used``."""
    set_aside: tuple[tuple[int, str], ...] = ()
    """(seq, reason) of each frame that is stored and not used."""
    basis: Viewable | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where its frames are from, for example the ``session``; empty: nobody said."""
    phase_sigma_rad: NDArray[np.float32] | None = None
    """Standard deviation of the phase at each pixel, where ``report.uncertainty`` is."""
