from __future__ import annotations

import numpy as np

from ltemlive.events import (
    AdviceGiven,
    FrameRejected,
    FrameStored,
    FrameView,
    PhaseEstimate,
    SeriesEnded,
    SessionStarted,
    TieView,
)
from ltemlive.sinks.bulletin import Bulletin
from ltemlive.wire.results import DaemonStatus


def estimate_of(rev, *, is_final=False):
    phase = np.zeros((32, 32), np.float32)
    return PhaseEstimate(
        ordinal=1,
        series="a",
        rev=rev,
        seqs_used=(0,),
        defocus_nm=(0.0,),
        steps=1,
        gradient_evaluations=1,
        objective=(1.0,),
        is_final=is_final,
        phase_rad=phase,
        amplitude=phase,
        pixel_nm=5.0,
        device="cpu",
    )


def view_of(rev, *, seq=None):
    phase = np.zeros((32, 32), np.float32)
    if seq is None:
        return TieView(1, "a", rev, False, phase, 5.0)
    return FrameView(1, "a", rev, False, seq, phase, phase, phase, 5.0)


def status_of(received):
    return DaemonStatus(
        session="s",
        state="waiting",
        device=None,
        ordinal=None,
        series=None,
        n_expected=None,
        received=received,
        stored=0,
        dropped=0,
        disordered=0,
        duplicate=0,
        rejected=0,
        queued=0,
        frames=(),
        version="0.1.0",
    )


def test_facts_are_taken_in_order_a_few_at_a_time():
    bulletin = Bulletin()
    facts = [
        FrameStored(1, "a", 0, 0.0, 1.0),
        FrameRejected("a", "1", "no image"),
        AdviceGiven("take an image in focus"),
        SeriesEnded(1, "a", "success"),
    ]
    for fact in facts:
        bulletin.put(fact)
    bulletin.put(SessionStarted("s"))
    assert bulletin.take_facts(2) == facts[:2]
    assert bulletin.take_facts(2) == facts[2:]
    assert bulletin.take_facts(2) == []


def test_of_the_estimates_only_the_newest_is_kept():
    bulletin = Bulletin()
    assert bulletin.take_estimate() is None
    for rev in (1, 2, 3):
        bulletin.put(estimate_of(rev))
    assert bulletin.take_estimate().rev == 3
    assert bulletin.take_estimate() is None


def test_a_final_estimate_is_a_fact_and_replaces_those_before_it():
    bulletin = Bulletin()
    bulletin.put(estimate_of(1))
    bulletin.put(estimate_of(2, is_final=True))
    bulletin.put(estimate_of(3))
    assert bulletin.take_estimate() is None, "revision 2 goes first"
    assert [fact.rev for fact in bulletin.take_facts(8)] == [2]
    assert bulletin.take_estimate().rev == 3


def test_the_status_is_taken_when_new_and_again_when_asked():
    bulletin = Bulletin()
    assert bulletin.take_status(even_if_old=True) is None
    bulletin.put_status(status_of(1))
    bulletin.put_status(status_of(2))
    assert bulletin.take_status(even_if_old=False).received == 2
    assert bulletin.take_status(even_if_old=False) is None
    assert bulletin.take_status(even_if_old=True).received == 2


def test_of_the_views_of_each_kind_only_the_newest_is_kept():
    bulletin = Bulletin()
    assert bulletin.take_view() is None
    for view in (view_of(1, seq=4), view_of(1), view_of(2, seq=5)):
        bulletin.put(view)
    taken = [bulletin.take_view(), bulletin.take_view()]
    assert {type(view): view.rev for view in taken} == {FrameView: 2, TieView: 1}
    assert bulletin.take_view() is None
