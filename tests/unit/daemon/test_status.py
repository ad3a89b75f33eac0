from dataclasses import replace

import numpy as np
import pytest

from ltemlive.daemon.status import StatusBoard
from ltemlive.events import FrameRejected, FrameStored, PhaseEstimate, SeriesStarted
from ltemlive.wire.results import FrameRow


@pytest.fixture
def board():
    return StatusBoard("2026-11-23T101500Z")


def stored(seq, ordinal=1):
    return FrameStored(ordinal, "holes", seq, seq * 1e5, 1000.0)


def estimate(*seqs, ordinal=1):
    return PhaseEstimate(
        ordinal=ordinal,
        series="holes",
        rev=1,
        seqs_used=seqs,
        defocus_nm=tuple(seq * 1e5 for seq in seqs),
        steps=1,
        gradient_evaluations=1,
        objective=(1.0,),
        is_final=False,
        phase_rad=np.zeros((16, 16), np.float32),
        amplitude=np.ones((16, 16), np.float32),
        pixel_nm=5.0,
        device="abacus",
    )


def told(board):
    return board.status(queued=0, dropped=0, disordered=0)


def test_before_anything_came_it_says_that_it_starts(board):
    status = board.status(queued=1, dropped=2, disordered=3)
    assert (status.session, status.state) == ("2026-11-23T101500Z", "starting")
    assert (status.device, status.ordinal, status.series) == (None, None, None)
    assert (status.queued, status.dropped, status.disordered) == (1, 2, 3)
    assert status.frames == ()


def test_the_table_follows_each_frame_from_stored_to_used(board):
    for event in (
        SeriesStarted(1, "holes", 5),
        stored(0),
        stored(1),
        FrameRejected("holes", "2", "too wide", 1),
        FrameRejected("holes", "f3.tif", "torn", 1),
        stored(4),
        estimate(0, 1),
    ):
        board.accept(event)
    status = told(board)
    assert (status.ordinal, status.series, status.n_expected) == (1, "holes", 5)
    assert (status.received, status.stored, status.rejected) == (5, 3, 2)
    assert status.frames == (
        FrameRow(0, "0", 0.0, "used"),
        FrameRow(1, "1", 1e5, "used"),
        FrameRow(2, "2", None, "rejected", "too wide"),
        FrameRow(None, "f3.tif", None, "rejected", "torn"),
        FrameRow(4, "4", 4e5, "stored"),
    )


def test_a_frame_set_aside_is_told_with_its_reason_until_it_is_used(board):
    for event in (SeriesStarted(1, "holes", 5), stored(0), stored(1)):
        board.accept(event)
    board.accept(replace(estimate(0), set_aside=((1, "saturated"),)))
    assert told(board).frames[1] == FrameRow(1, "1", 1e5, "aside", "saturated")
    board.accept(estimate(0, 1))
    assert told(board).frames[1] == FrameRow(1, "1", 1e5, "used")


def test_a_conflict_does_not_hide_the_frame_that_is_stored(board):
    for event in (
        SeriesStarted(1, "holes"),
        stored(0),
        FrameRejected("holes", "0", "conflict", 1),
    ):
        board.accept(event)
    assert told(board).frames == (FrameRow(0, "0", 0.0, "stored"),)
    assert told(board).rejected == 1


def test_a_frame_that_was_wrong_first_is_stored_when_it_comes_right(board):
    for event in (
        SeriesStarted(1, "holes"),
        FrameRejected("holes", "0", "no defocus", 1),
        stored(0),
    ):
        board.accept(event)
    assert told(board).frames == (FrameRow(0, "0", 0.0, "stored"),)


def test_the_table_is_that_of_the_newest_series_and_the_counters_of_all(board):
    for event in (
        SeriesStarted(1, "holes"),
        stored(0),
        SeriesStarted(2, "discs", 4),
        stored(7, ordinal=2),
        stored(1),
        FrameRejected("holes", "2", "late", 1),
        estimate(0, 1),
    ):
        board.accept(event)
    status = told(board)
    assert (status.ordinal, status.series) == (2, "discs")
    assert status.frames == (FrameRow(7, "7", 7e5, "stored"),)
    assert (status.stored, status.rejected) == (3, 1)


def test_device_duplicates_and_phase_are_told(board):
    board.note_device("abacus")
    board.note_duplicate()
    board.note_phase("solving")
    status = told(board)
    assert (status.device, status.duplicate, status.received) == ("abacus", 1, 1)
    assert status.state == "solving"
    board.note_phase("waiting")
    assert told(board).state == "waiting"


def test_once_it_stops_it_says_nothing_else(board):
    board.note_phase("stopping")
    board.note_phase("solving")
    assert told(board).state == "stopping"
