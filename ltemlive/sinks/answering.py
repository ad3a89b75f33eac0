"""What becomes of a request: answered from what was told, or left to the daemon."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import ltemlive
from ltemlive.errors import WireError
from ltemlive.sinks.chronicle import Chronicle
from ltemlive.sinks.gallery import Gallery
from ltemlive.wire.control import Answer, Request, frame_wish, view_wish
from ltemlive.wire.fields import Fields, brief
from ltemlive.wire.previews import UNITS
from ltemlive.wire.results import TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ltemlive.events import PhaseEstimate
    from ltemlive.sinks.bulletin import Fact

_OF_THE_DAEMON = ("end_series", "use_frame", "view", "pause", "resume", "reset")
_OPERATIONS = ("ping", "latest", "full", "events", *_OF_THE_DAEMON)
_WAITING_REQUESTS = 64


class Answering:
    """Requests in, answers out, without a socket.

    ``requests`` may be called from any thread, the rest from one.

    Parameters
    ----------
    clock
        Seconds since 1970.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._latest: dict[str, memoryview] = {}
        self._chronicle = Chronicle()
        self._gallery = Gallery()
        self._requests: deque[Request] = deque()

    def note_sent(self, topic: str, data: memoryview) -> None:
        """Keep a result as it was published."""
        self._latest[topic] = data

    def note_fact(self, fact: Fact) -> None:
        """Write down a fact that is told now."""
        self._chronicle.note(fact, self._clock())

    def keep(self, estimate: PhaseEstimate) -> None:
        """Keep an estimate that is told now, at full size."""
        self._gallery.keep(estimate)

    def requests(self) -> list[Request]:
        """Return what the daemon was asked to do since the last call."""
        return [self._requests.popleft() for _ in range(len(self._requests))]

    def answer(self, request: Request) -> Answer:
        """Return the answer; what is wrong with the request is in its error."""
        try:
            values, buffer = self._values(request)
        except WireError as error:
            return Answer(request.id, ok=False, error=str(error))
        return Answer(request.id, ok=True, values=values, buffer=buffer)

    def _values(self, request: Request) -> tuple[dict[str, Any], memoryview | None]:
        match request.op:
            case "ping":
                return {"t": self._clock(), "version": ltemlive.__version__}, None
            case "latest":
                return self._latest_of(request)
            case "full":
                return self._full(request)
            case "events":
                since = Fields(request.arguments, request.op).whole_or_none("since")
                return self._chronicle.after(since or 0), None
        self._leave_to_the_daemon(request)
        return {}, None

    def _leave_to_the_daemon(self, request: Request) -> None:
        if request.op not in _OF_THE_DAEMON:
            known = ", ".join(_OPERATIONS)
            raise WireError(
                f"{brief(request.op)}: unknown operation; expected one of: {known}"
            )
        if len(self._requests) >= _WAITING_REQUESTS:
            raise WireError(
                f"{request.op}: the daemon is busy with earlier requests; ask again"
            )
        if request.op == "use_frame":
            frame_wish(request)
        elif request.op == "view":
            view_wish(request)
        self._requests.append(request)

    def _latest_of(self, request: Request) -> tuple[dict[str, Any], memoryview]:
        topic = request.arguments.get("topic")
        if topic not in TOPICS:
            raise WireError(
                f"latest {brief(topic)}: expected a topic of: {', '.join(TOPICS)}"
            )
        if topic not in self._latest:
            raise WireError(
                f"latest {topic}: nothing has been published yet; ask again later"
            )
        return {"topic": topic}, self._latest[topic]

    def _full(self, request: Request) -> tuple[dict[str, Any], memoryview]:
        fields = Fields(request.arguments, request.op)
        array = fields.choice("array", tuple(UNITS))
        rev = fields.whole_or_none("rev")
        estimate, data = self._gallery.full(array, rev, t=self._clock())
        return {"array": array, "rev": estimate.rev, "final": estimate.is_final}, data
