"""When each frame is exposed, and whom it is handed to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ltemlive.camera import NO_CAMERA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ltemlive.camera import Camera
    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.series import Microscope


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a producer knows about a series before its first frame."""

    series: str
    microscope: Microscope
    n_expected: int | None
    plan_defocus_nm: tuple[float, ...] | None
    """Defocus by index; None where it is not known of every frame."""
    pixel_type: str
    """As NumPy writes it, one of ``ltemlive.frames.PIXEL_TYPES``."""
    shape: tuple[int, int]
    camera: Camera = NO_CAMERA
    """What the frames have to be corrected for."""


class Exposures(Protocol):
    """A series that can be played: simulated, or recorded before."""

    @property
    def announcement(self) -> Announcement:
        """What is known before the first frame."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order in which they are exposed."""
        ...


class Emitter(Protocol):
    """Where the frames go: a folder, or a daemon at the other end of a socket."""

    def start(self, announcement: Announcement) -> None:
        """Say that a series begins."""
        ...

    def send(self, frame: Frame) -> None:
        """Hand over one frame."""
        ...

    def end(self, exit_status: ExitStatus) -> None:
        """Say that no more frames will come; return when all of them have arrived."""
        ...


def run_schedule(
    exposures: Exposures,
    emitter: Emitter,
    *,
    sleep: Callable[[float], object],
    clock: Callable[[], float],
    dead_time_s: float = 0.0,
    speed: float = 1.0,
) -> int:
    """Expose every frame of a series, hand each to ``emitter``, return how many.

    Parameters
    ----------
    exposures
        A frame takes its ``exposure_s``, nothing where that is not known.
    emitter
        Told ``abort`` where the user interrupts; not told the end where sending fails,
        since it is the emitter that cannot go on then.
    sleep
        ``time.sleep``, or a method of the emitter that serves its peer meanwhile.
    clock
        Seconds since 1970; stamps the start of each exposure.
    dead_time_s
        Pause after each exposure but the last, for readout and change of defocus.
    speed
        Exposures and pauses are this many times as short.
    """
    announcement = exposures.announcement
    emitter.start(announcement)
    n_sent = 0
    try:
        for frame in exposures.frames():
            if n_sent:
                sleep(dead_time_s / speed)
            t_exposure_start = clock()
            sleep((frame.meta.exposure_s or 0.0) / speed)
            emitter.send(
                replace(frame, meta=replace(frame.meta, t_exposure_start=t_exposure_start))
            )
            n_sent += 1
    except KeyboardInterrupt:
        emitter.end("abort")
        raise
    emitter.end("success")
    return n_sent
