"""Everything the window shows, as one value; how each message changes it. Pure.

The daemon's clock and ours need not agree. Each heartbeat tells what time it is there, and
we know when we heard it: ages are counted from that pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from ltemlive.dashboard.shown.content import (
    Notice,
    read_advice,
    read_frame,
    read_status,
)
from ltemlive.dashboard.shown.curves import NO_CURVE, ObjectiveCurve, extended, until
from ltemlive.dashboard.shown.estimates import read_estimate
from ltemlive.dashboard.shown.finished import completed
from ltemlive.dashboard.shown.history import NO_HISTORY, History, remembered
from ltemlive.dashboard.shown.pace import NO_PACE, Pace, paced_frames, paced_steps
from ltemlive.dashboard.shown.views import FrameViewShown, TieShown, read_view

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ltemlive.dashboard.shown.content import StatusShown
    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.dashboard.shown.fits import FrameFit
    from ltemlive.wire.results import FrameRow, ResultMessage

Link: TypeAlias = Literal["connecting", "up", "down", "refused"]
Connection: TypeAlias = Literal["connecting", "live", "silent", "lost", "refused"]

SILENT_AFTER_S = 3.0
"""Heartbeats come each second; this many seconds without one is worth a word."""


@dataclass(frozen=True, slots=True, eq=False)
class DisplaySnapshot:
    """What one redraw of the window needs; a new value where anything changed."""

    link: Link = "connecting"
    refusal: str | None = None
    """Why the daemon does not let us in, where it does not."""
    status: StatusShown | None = None
    t_heartbeat: float | None = None
    """When the status was heard, by our clock."""
    estimate: EstimateShown | None = None
    curve: ObjectiveCurve = NO_CURVE
    ordinal: int | None = None
    """The series whose frames are listed."""
    frames: tuple[FrameRow, ...] = ()
    notice: Notice | None = None
    history: History = NO_HISTORY
    frame_view: FrameViewShown | None = None
    """The newest that anybody asked for."""
    tie: TieShown | None = None
    pace: Pace = NO_PACE


def merge(
    snapshot: DisplaySnapshot, message: ResultMessage, *, now: float
) -> DisplaySnapshot:
    """Return the snapshot after a message; the same object where it says nothing new.

    Parameters
    ----------
    snapshot
        What is shown so far.
    message
        Status, frame, estimate, view or advice; other topics change nothing.
    now
        When it was heard, by the clock that is later given to ``data_age_s``.

    Raises
    ------
    WireError
        If the message lacks a key or has an impossible value.
    """
    if message.topic == "status":
        return _with_status(snapshot, read_status(message), now)
    if message.topic == "estimate":
        return _with_estimate(snapshot, message)
    if message.topic == "frame":
        return _with_frame(snapshot, *read_frame(message))
    if message.topic == "advice":
        return replace(snapshot, notice=read_advice(message))
    if message.topic == "view":
        view = read_view(message)
        if isinstance(view, TieShown):
            return replace(snapshot, tie=view)
        return replace(snapshot, frame_view=view)
    return snapshot


def with_finished(snapshot: DisplaySnapshot, message: ResultMessage) -> DisplaySnapshot:
    """Return the snapshot with the result of an earlier series in its history.

    Parameters
    ----------
    snapshot
        What is shown so far.
    message
        The answer to ``full phase``.

    Raises
    ------
    WireError
        If the message lacks a key or has an impossible value.
    """
    estimate = read_estimate(completed(message))
    return replace(snapshot, history=remembered(snapshot.history, estimate))


def holding(snapshot: DisplaySnapshot, held: EstimateShown | None) -> DisplaySnapshot:
    """Return the snapshot with a revision that is held in place of the newest, if any."""
    return snapshot if held is None else replace(snapshot, estimate=held)


def with_link(
    snapshot: DisplaySnapshot, link: Link, refusal: str | None = None
) -> DisplaySnapshot:
    """Return the snapshot with the state of the connection below the messages."""
    if (link, refusal) == (snapshot.link, snapshot.refusal):
        return snapshot
    return replace(snapshot, link=link, refusal=refusal)


def connection(snapshot: DisplaySnapshot, *, now: float) -> Connection:
    """Return how well we hear the daemon."""
    if snapshot.link == "up":
        heard = snapshot.t_heartbeat
        is_fresh = heard is not None and now - heard <= SILENT_AFTER_S
        return "live" if is_fresh else "silent"
    return "lost" if snapshot.link == "down" else snapshot.link


def data_age_s(snapshot: DisplaySnapshot, *, now: float) -> float | None:
    """Return how long ago the estimate was published [s]; None where nobody can tell."""
    if snapshot.estimate is None or snapshot.status is None or snapshot.t_heartbeat is None:
        return None
    t_daemon = snapshot.status.t_published + (now - snapshot.t_heartbeat)
    return max(0.0, t_daemon - snapshot.estimate.t_published)


def latency_s(snapshot: DisplaySnapshot) -> float | None:
    """Return the time from the newest exposure's start to its estimate [s], if known."""
    estimate = snapshot.estimate
    if estimate is None or estimate.t_frame_last is None:
        return None
    return max(0.0, estimate.t_published - estimate.t_frame_last)


def banner(snapshot: DisplaySnapshot) -> Notice | None:
    """Return why we are not let in, else what the disk refuses, else the newest advice.

    Else the estimate's notes. What was said about an earlier series is no longer of use.
    """
    if snapshot.refusal is not None:
        return Notice(snapshot.refusal, "error")
    if snapshot.status is not None and snapshot.status.problem is not None:
        return Notice(snapshot.status.problem, "error")
    notice, listed = snapshot.notice, snapshot.ordinal
    if notice is not None and (
        notice.ordinal is None or listed is None or notice.ordinal >= listed
    ):
        return notice
    if snapshot.estimate is not None and snapshot.estimate.notes:
        return Notice(" ".join(snapshot.estimate.notes), "info")
    return None


def fits(snapshot: DisplaySnapshot) -> Mapping[int, FrameFit]:
    """Return how the listed frames fit each other, by seq, as the newest estimate knows."""
    estimate = snapshot.estimate
    is_listed = estimate is not None and estimate.ordinal == snapshot.ordinal
    return estimate.fits if estimate is not None and is_listed else {}


def curve_of(snapshot: DisplaySnapshot, estimate: EstimateShown | None) -> ObjectiveCurve:
    """Return how the objective fell until a revision, the newest or another one."""
    if estimate is None:
        return NO_CURVE
    newest = snapshot.estimate
    is_of_series = newest is not None and newest.ordinal == estimate.ordinal
    return until(estimate, snapshot.curve if is_of_series else NO_CURVE)


def _with_status(
    snapshot: DisplaySnapshot, status: StatusShown, now: float
) -> DisplaySnapshot:
    if snapshot.status is not None and status.session != snapshot.status.session:
        # Revisions count from the start again, and nothing on screen is of this session.
        snapshot = DisplaySnapshot(link=snapshot.link, refusal=snapshot.refusal)
    return replace(
        snapshot,
        status=status,
        t_heartbeat=now,
        ordinal=status.ordinal,
        frames=_marked(status.frames, status.ordinal, snapshot.estimate),
        pace=paced_frames(snapshot.pace, status),
    )


def _with_estimate(snapshot: DisplaySnapshot, message: ResultMessage) -> DisplaySnapshot:
    shown = snapshot.estimate
    rev = message.header.get("rev")
    if shown is not None and isinstance(rev, int) and rev <= shown.rev:
        if rev == shown.rev or not _is_later(message, shown):
            return snapshot
        # The same session again, as by a replay: its revisions count from the start.
        snapshot = replace(
            snapshot, history=NO_HISTORY, frame_view=None, tie=None, pace=NO_PACE
        )
        shown = None
    estimate = read_estimate(message)
    is_same_series = shown is not None and shown.ordinal == estimate.ordinal
    return replace(
        snapshot,
        estimate=estimate,
        curve=extended(snapshot.curve if is_same_series else NO_CURVE, estimate),
        frames=_marked(snapshot.frames, snapshot.ordinal, estimate),
        history=remembered(snapshot.history, estimate),
        pace=paced_steps(snapshot.pace, estimate),
    )


def _is_later(message: ResultMessage, shown: EstimateShown) -> bool:
    t_published = message.header.get("t_published")
    return isinstance(t_published, int | float) and t_published > shown.t_published


def _with_frame(
    snapshot: DisplaySnapshot, ordinal: int | None, row: FrameRow
) -> DisplaySnapshot:
    notice = snapshot.notice
    if row.state == "rejected":
        notice = Notice(f"Frame {row.frame} rejected: {row.reason}", "warning", ordinal)
    listed = snapshot.ordinal
    if ordinal is None or (listed is not None and ordinal < listed):
        # A file that belongs to no series, or to one that is over: only the banner has it.
        return replace(snapshot, notice=notice)
    frames = _with_row(snapshot.frames if ordinal == listed else (), row)
    return replace(
        snapshot,
        ordinal=ordinal,
        frames=_marked(frames, ordinal, snapshot.estimate),
        notice=notice,
    )


def _with_row(frames: tuple[FrameRow, ...], row: FrameRow) -> tuple[FrameRow, ...]:
    for place, listed in enumerate(frames):
        is_same = listed.frame == row.frame if row.seq is None else listed.seq == row.seq
        if is_same:
            return (*frames[:place], row, *frames[place + 1 :])
    return (*frames, row)


def _marked(
    frames: tuple[FrameRow, ...], ordinal: int | None, estimate: EstimateShown | None
) -> tuple[FrameRow, ...]:
    if estimate is None or estimate.ordinal != ordinal:
        return frames
    used = set(estimate.seqs_used)
    return tuple(_marked_row(row, used, estimate.set_aside) for row in frames)


def _marked_row(
    row: FrameRow, used: Collection[int], set_aside: Mapping[int, str]
) -> FrameRow:
    if row.seq is None or row.state == "rejected":
        return row
    if row.seq in set_aside:
        return replace(row, state="aside", reason=set_aside[row.seq])
    return replace(row, state="used", reason=None) if row.seq in used else row
