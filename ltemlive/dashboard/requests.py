"""What the user wants of the daemon: buttons and keys become requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore

from ltemlive.dashboard.shown.asking import Asked, ViewWish

if TYPE_CHECKING:
    from ltemlive.dashboard.actions import Actions
    from ltemlive.dashboard.shown.snapshot import DisplaySnapshot
    from ltemlive.dashboard.shown.views import FrameViewShown

_WISHES = {"aside": False, "use": True, "judge": None}


class Requests(QtCore.QObject):
    """``asked`` brings the operation, its arguments, and what was done in words.

    Parameters
    ----------
    actions
        Whose commands are for the daemon.
    """

    asked = QtCore.Signal(str, dict, str)

    def __init__(self, actions: Actions, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._actions = actions
        self.seq: int | None = None
        """The frame that is chosen in the table."""
        self._ordinal: int | None = None
        self._session: str | None = None
        self._view: FrameViewShown | None = None
        self._asked = Asked()
        for name in _WISHES:
            actions[name].triggered.connect(lambda *_, name=name: self._wish(name))
        actions["pause"].triggered.connect(self._pause)
        actions["reset"].triggered.connect(
            lambda: self.asked.emit("reset", {}, "The series is solved anew.")
        )
        actions["end"].triggered.connect(
            lambda: self.asked.emit(
                "end_series", {}, "The series ends; its result follows."
            )
        )

    def follow(self, snapshot: DisplaySnapshot) -> None:
        """Learn the series that is listed, and whether the daemon is paused."""
        status = snapshot.status
        session = None if status is None else status.session
        if (session, snapshot.ordinal) != (self._session, self._ordinal):
            self._session, self._ordinal = session, snapshot.ordinal
            self.seq = self._view = None
            self._asked = Asked()
        self._actions["pause"].setChecked(status is not None and status.state == "paused")
        for name in _WISHES:
            self._actions[name].setEnabled(self.seq is not None)

    def choose_frame(self, seq: int | None) -> None:
        """Take a frame as the one that is meant."""
        self.seq = seq
        for name in _WISHES:
            self._actions[name].setEnabled(seq is not None)

    def view_of(self, snapshot: DisplaySnapshot) -> FrameViewShown | None:
        """Return the newest view of the chosen frame; other windows may look at others."""
        for view in (snapshot.frame_view, self._view):
            of_view = None if view is None else (view.ordinal, view.seq)
            if of_view == (self._ordinal, self.seq):
                self._view = view
                return view
        return None

    def want_frame(self, snapshot: DisplaySnapshot, *, now: float) -> None:
        """Ask for the chosen frame as the newest phase predicts it, where that is due."""
        estimate = snapshot.estimate
        is_listed = estimate is not None and estimate.ordinal == snapshot.ordinal
        if self.seq is not None and estimate is not None and is_listed:
            wish = ViewWish("frame", estimate.ordinal, estimate.rev, self.seq)
            self._want(wish, now, has_come=self.view_of(snapshot) is not None)

    def want_tie(self, snapshot: DisplaySnapshot, *, now: float) -> None:
        """Ask for transport of intensity of the newest series, where that is due."""
        if snapshot.estimate is not None:
            estimate = snapshot.estimate
            wish = ViewWish("tie", estimate.ordinal, estimate.rev)
            tie = snapshot.tie
            is_it = tie is not None and tie.ordinal == wish.ordinal
            self._want(wish, now, has_come=is_it)

    def _want(self, wish: ViewWish, now: float, *, has_come: bool) -> None:
        if not self._asked.is_due(wish, now=now, has_come=has_come):
            return
        self._asked = self._asked.again(wish, now=now, has_come=has_come)
        arguments = {"what": wish.what, "ordinal": wish.ordinal}
        if wish.seq is not None:
            arguments["seq"] = wish.seq
        self.asked.emit("view", arguments, "")

    def _wish(self, name: str) -> None:
        if self.seq is None:
            return
        arguments = {"seq": self.seq, "use": _WISHES[name], "ordinal": self._ordinal}
        done = {
            "aside": f"Frame {self.seq} is left out.",
            "use": f"Frame {self.seq} is used whatever its fit.",
            "judge": f"Frame {self.seq} is used as it fits.",
        }
        self.asked.emit("use_frame", arguments, done[name])

    def _pause(self, wants_pause: bool) -> None:
        if wants_pause:
            said = "The solver pauses; frames are stored as ever."
            self.asked.emit("pause", {}, said)
        else:
            self.asked.emit("resume", {}, "The solver goes on.")
