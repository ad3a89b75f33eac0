"""A series that was recorded before, played again as it came."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from simulator.schedule import Announcement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.series import StoredSeries
    from simulator.schedule import Emitter


@dataclass(frozen=True, slots=True)
class RecordedArrival:
    """That a frame came, and when."""

    seq: int
    after_s: float
    """Since the first frame of its session."""


class RecordedExposures:
    """The frames of a stored series in the order in which they came, as they came.

    Each carries what was recorded of it, the start of its exposure included: what is
    recorded of it a second time is what was recorded first.

    Parameters
    ----------
    arrivals
        Of every frame that was stored; those that cannot be read any more are passed over.
    exit_status
        How the series ended; None where it did not. What nobody has ended is played with
        ``abort`` at its end, and so is what was abandoned: no producer can say that.

    Raises
    ------
    ConfigError
        If the series has no frame.
    """

    def __init__(
        self,
        stored: StoredSeries,
        series: str,
        arrivals: Iterable[RecordedArrival],
        exit_status: ExitStatus | None,
    ) -> None:
        if not stored.frames:
            raise ConfigError(f"{stored.folder}: expected a series with frames, got none")
        self._stored = stored
        self._series = series
        self._arrivals = tuple(arrivals)
        self.exit_status: ExitStatus = (
            "abort" if exit_status in (None, "abandoned") else exit_status
        )

    @property
    def announcement(self) -> Announcement:
        """What is known before the first frame."""
        frames = self._stored.frames
        ny, nx = frames[0].image.shape
        return Announcement(
            series=self._series,
            microscope=self._stored.microscope,
            n_expected=len(frames),
            plan_defocus_nm=None,
            pixel_type=frames[0].image.dtype.str,
            shape=(ny, nx),
            camera=self._stored.camera,
        )

    def frames(self) -> Iterator[tuple[float, Frame]]:
        """Yield each frame, behind the seconds after which it came.

        They have the voltage and pixel of the series.
        """
        microscope = self._stored.microscope
        readable = {frame.meta.seq: frame for frame in self._stored.frames}
        for arrival in self._arrivals:
            frame = readable.get(arrival.seq)
            if frame is None:
                continue
            meta = replace(
                frame.meta,
                voltage_kv=microscope.voltage_kv,
                pixel_nm=microscope.pixel_nm,
            )
            yield arrival.after_s, replace(frame, meta=meta)


class Pace:
    """When frames that came once come again, series after series.

    The first frame of the session comes at once, and each other one as long after it as
    it did, over ``speed``. A series whose turn comes late, because the one before lasted
    longer than it did or the two overlapped, keeps its own intervals from there on. A
    frame that is late within its series, because nobody took those before, comes at once.

    Parameters
    ----------
    clock
        Seconds that never run backwards.
    speed
        Intervals are this many times as short; None: there are none.
    """

    def __init__(self, *, clock: Callable[[], float], speed: float | None) -> None:
        self._clock = clock
        self._speed = speed
        self._t_origin: float | None = None
        """When the first frame of the session came, on ``clock``."""

    def left_s(self, after_s: float) -> float:
        """Return how long it is until a frame that came ``after_s`` comes again."""
        if self._speed is None:
            return 0.0
        now = self._clock()
        if self._t_origin is None:
            self._t_origin = now - after_s / self._speed
        return max(self._t_origin + after_s / self._speed - now, 0.0)

    def begin(self, after_s: float) -> None:
        """Count from now if the first frame of a series is late."""
        if self._speed is not None and self.left_s(after_s) == 0.0:
            self._t_origin = self._clock() - after_s / self._speed


def play_again(
    exposures: RecordedExposures,
    emitter: Emitter,
    *,
    sleep: Callable[[float], object],
    pace: Pace,
) -> int:
    """Hand every frame of a recorded series to ``emitter``; return how many.

    The series is announced when its first frame is due, and ends behind its last one.

    Parameters
    ----------
    emitter
        Told ``abort`` where the user interrupts; not told the end where sending fails,
        since it is the emitter that cannot go on then.
    sleep
        ``time.sleep``, or a method of the emitter that serves its peer meanwhile.
    pace
        The same for all series of a session.
    """
    frames = exposures.frames()
    first = next(frames)
    sleep(pace.left_s(first[0]))
    emitter.start(exposures.announcement)
    pace.begin(first[0])
    n_sent = 0
    try:
        for after_s, frame in itertools.chain([first], frames):
            sleep(pace.left_s(after_s))
            emitter.send(frame)
            n_sent += 1
    except KeyboardInterrupt:
        emitter.end("abort")
        raise
    emitter.end(exposures.exit_status)
    return n_sent
