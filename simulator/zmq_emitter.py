"""Frames to a daemon over a socket, as a camera's own program would send them.

Nothing is forgotten before the daemon has said that it is on disk.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from ltemlive.errors import WireError
from ltemlive.series import Optics
from ltemlive.wire.acks import decode_ack
from ltemlive.wire.codec import encode, pixel_crc32
from ltemlive.wire.messages import EndMessage, FrameMessage, Heartbeat, StartMessage
from simulator.outbox import Key, Outbox
from simulator.producer_socket import ProducerSocket

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ltemlive.events import ExitStatus
    from ltemlive.frames import Frame
    from ltemlive.keys import ClientKeys
    from ltemlive.wire.messages import Ack
    from simulator.schedule import Announcement

HEARTBEAT_S = 1.0

PATIENCE_S = 30.0

_LONGEST_WAIT_S = 0.05
_START: Key = ("start", None)


class ZmqEmitter:
    """Sends series to a daemon; use it in a ``with`` block, from one thread.

    It sends what is due, takes answers and beats its heart whenever it waits, so a pause
    between exposures should be spent in ``sleep``. A daemon that it finds again may be
    another one, so it announces its series anew before what it sends next.

    Parameters
    ----------
    endpoint
        ``tcp://127.0.0.1:PORT`` of the daemon (``input.zmq``).
    producer
        Unique to this run, such as a UUID.
    clock
        Seconds that never run backwards.
    timeout_s
        How long the daemon may leave everything unanswered.
    keys
        Of this client, for a daemon that asks for them.

    Raises
    ------
    ConfigError
        If the endpoint is not a loopback address, and there are no keys.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        producer: str,
        clock: Callable[[], float] = time.monotonic,
        timeout_s: float = PATIENCE_S,
        keys: ClientKeys | None = None,
    ) -> None:
        self._socket = ProducerSocket(endpoint, keys)
        self._endpoint = self._socket.endpoint
        self._producer = producer
        self._clock = clock
        self._timeout_s = timeout_s
        self._series = ""
        self._start: list[bytes] | None = None
        """What announced the series that is going on."""
        self._is_announced = False
        """Whether it was said since the connection was lost."""
        self._seqs: set[int] = set()
        self._refused_copies: set[int] = set()
        self._outbox = Outbox()
        self._t_heard = self._t_heartbeat = clock()
        self.ack_seconds: list[float] = []
        """Of each frame answered, from its first sending to its answer."""
        self.rejections: list[tuple[int | None, str]] = []
        """(seq, reason) of what the daemon would not take; no seq: the end of a series."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; what is unanswered stays unsent. A second call does nothing."""
        self._socket.close()

    def start(self, announcement: Announcement) -> None:
        """Say that a series begins; return when the daemon has agreed.

        Raises
        ------
        WireError
            If it refuses, or nobody answers in time.
        """
        self._series = announcement.series
        self._seqs = set()
        message = StartMessage(
            producer=self._producer,
            series=announcement.series,
            n_expected=announcement.n_expected,
            plan_defocus_nm=announcement.plan_defocus_nm,
            optics=announcement.microscope.model_dump(include=set(Optics.model_fields)),
            dtype=announcement.pixel_type,
            shape=announcement.shape,
        )
        self._start, self._is_announced = encode(message), True
        self._put(_START, self._start)
        self._wait_until(lambda: not len(self._outbox))

    def send(self, frame: Frame) -> None:
        """Send a frame; wait first while as many are unanswered as the daemon allows.

        Raises
        ------
        WireError
            If nobody answers in time.
        """
        self._seqs.add(frame.meta.seq)
        self._put(("frame", frame.meta.seq), self.encoded(frame))

    def lose(self, frame: Frame) -> None:
        """Count a frame as sent, and never send it."""
        self._seqs.add(frame.meta.seq)

    def encoded(self, frame: Frame) -> list[bytes]:
        """Return the message that carries a frame of this series."""
        crc32 = pixel_crc32(frame.image)
        return encode(FrameMessage(self._producer, self._series, frame, crc32))

    def end(self, exit_status: ExitStatus) -> None:
        """Say that no more frames will come; return when every one is answered.

        Raises
        ------
        WireError
            If nobody answers in time.
        """
        # The end goes last: a frame that has to be sent again must not come after it.
        self._wait_until(lambda: not len(self._outbox))
        message = EndMessage(self._producer, self._series, len(self._seqs), exit_status)
        self._put(("end", None), encode(message))
        self._wait_until(lambda: not len(self._outbox))
        self._start = None

    def sleep(self, seconds: float) -> None:
        """Spend a pause serving the daemon; the ``sleep`` of ``run_schedule``."""
        deadline = self._clock() + seconds
        while (left_s := deadline - self._clock()) > 0.0:
            self._serve(min(left_s, _LONGEST_WAIT_S))

    def send_raw(self, parts: list[bytes], *, copy_of: int | None = None) -> None:
        """Send any bytes once there is a daemon, to see what it makes of them.

        Parameters
        ----------
        copy_of
            The seq of the frame that these bytes pass for: one refusal of it is theirs,
            and says nothing about the frame itself.

        Raises
        ------
        WireError
            If nobody is there in time.
        """
        self._t_heard = self._clock()
        while not self._socket.has_room(_LONGEST_WAIT_S):
            self._look_at_connection()
            self._check_patience()
        if copy_of is not None:
            self._refused_copies.add(copy_of)
        self._socket.has_sent(parts)

    def _put(self, key: Key, parts: list[bytes]) -> None:
        self._wait_until(lambda: not self._outbox.is_full)
        if not len(self._outbox):
            self._t_heard = self._clock()
        self._outbox.put(key, parts)
        self._serve(0.0)

    def _wait_until(self, is_done: Callable[[], bool]) -> None:
        while not is_done():
            self._serve(_LONGEST_WAIT_S)

    def _serve(self, wait_s: float) -> None:
        """Send what is due, then take what comes within ``wait_s``."""
        self._look_at_connection()
        self._announce_again()
        now = self._clock()
        for key, parts in self._outbox.due(now):
            if not self._socket.has_sent(parts):
                break
            self._outbox.sent(key, now)
        self._beat(now)
        for answer in self._socket.answers(wait_s):
            self._take(decode_ack(answer))
        if len(self._outbox):
            self._check_patience()

    def _look_at_connection(self) -> None:
        if self._socket.was_lost():
            self._outbox.lost_connection()
            self._is_announced = False

    def _announce_again(self) -> None:
        """Put the start before what is due: a daemon that came back may not know it.

        Not before there is something to send, for until then it need not be there.
        """
        if self._start is not None and not self._is_announced and len(self._outbox):
            self._outbox.put_first(_START, self._start)
            self._is_announced = True

    def _beat(self, now: float) -> None:
        if self._series and now - self._t_heartbeat >= HEARTBEAT_S:
            self._t_heartbeat = now
            last_seq = max(self._seqs, default=-1)
            self._socket.has_sent(encode(Heartbeat(self._producer, self._series, last_seq)))

    def _take(self, ack: Ack) -> None:
        if ack.series != self._series:
            return
        now = self._t_heard = self._clock()
        if ack.seq in self._refused_copies:
            self._refused_copies.discard(ack.seq)
            if ack.status == "rejected":
                return
        seconds = self._outbox.answered((ack.type, ack.seq), now, credit=ack.credit)
        if seconds is None:
            return
        if ack.type == "frame":
            self.ack_seconds.append(seconds)
        if ack.status == "rejected" and ack.type == "start":
            raise WireError(f"{self._endpoint}: series {ack.series} refused: {ack.reason}")
        if ack.status == "rejected":
            self.rejections.append((ack.seq, ack.reason or "no reason given"))

    def _check_patience(self) -> None:
        if self._clock() - self._t_heard < self._timeout_s:
            return
        raise WireError(
            f"{self._endpoint}: expected an answer within {self._timeout_s:g} s, got none; "
            "start `ltemlive run` with this input.zmq, and see whether its disk is full"
        )
