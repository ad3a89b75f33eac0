from __future__ import annotations

import numpy as np
import pytest

from ltemlive.frames import Frame, FrameMeta
from simulator.faults import FaultPlan, Faults, FrameFaults
from simulator.faulty_emitter import FaultyEmitter


class Listener:
    """An emitter and its mischief that only list what they are told."""

    def __init__(self):
        self.heard = []

    def start(self, announcement):
        self.heard.append(("start", announcement))

    def send(self, frame):
        self.heard.append(frame.meta.seq)

    def end(self, exit_status):
        self.heard.append(exit_status)

    def lose(self, frame):
        self.heard.append(("lose", frame.meta.seq))

    def cut_off(self, frame):
        self.heard.append(("cut off", frame.meta.seq))

    def litter(self, frame, parts):
        assert all(isinstance(part, bytes) for part in parts)
        self.heard.append(("litter", frame.meta.seq))


class Script(FaultPlan):
    """A plan written frame by frame."""

    def __init__(self, **frames_by_fault):
        super().__init__(Faults(drop=0.5), 1)
        object.__setattr__(self, "frames", frames_by_fault)

    def of_frame(self, seq):
        hits = {name: seq in self.frames.get(name, ()) for name in FrameFaults._fields}
        return FrameFaults(**hits)


def frame_of(seq):
    return Frame(FrameMeta(seq=seq), np.zeros((16, 16), "|u1"))


def play(plan, n_frames=4, *, kill=lambda: None):
    """Return what the emitter heard, and the wrapper."""
    listener = Listener()
    emitter = FaultyEmitter(listener, listener, plan, kill=kill)
    emitter.start("announcement")
    for seq in range(n_frames):
        emitter.send(frame_of(seq))
    emitter.end("success")
    assert listener.heard[0] == ("start", "announcement")
    assert listener.heard[-1] == "success"
    return listener.heard[1:-1], emitter


def test_without_faults_every_frame_goes_through():
    heard, emitter = play(FaultPlan(Faults(), 1))
    assert heard == [0, 1, 2, 3]
    assert emitter.summary() == ""


def test_a_dropped_frame_suffers_nothing_else():
    everything = dict.fromkeys(FrameFaults._fields, (1,))
    heard, emitter = play(Script(**everything))
    assert heard == [0, ("lose", 1), 2, 3]
    assert emitter.summary() == "; injected: 1 drop"


def test_a_frame_that_is_sent_twice_comes_again_after_the_next():
    heard, emitter = play(Script(dup=(0, 3)))
    assert heard == [0, 1, 0, 2, 3, 3]
    assert emitter.injected == {"dup": 2}


def test_a_frame_that_is_held_back_comes_after_the_next_that_is_sent():
    heard, _ = play(Script(reorder=(0,), drop=(1,)))
    assert heard == [("lose", 1), 2, 0, 3]


def test_what_is_held_back_goes_out_before_the_end():
    heard, emitter = play(Script(reorder=(3,), dup=(3,)))
    assert heard == [0, 1, 2, 3, 3]
    assert emitter.injected == {"reorder": 1, "dup": 1}


def test_all_frames_held_back_come_in_pairs_the_wrong_way_round():
    heard, _ = play(Script(reorder=range(5)), 5)
    assert heard == [1, 0, 3, 2, 4]


def test_rubbish_and_half_a_frame_come_before_the_frame():
    heard, emitter = play(Script(garbage=(1,), truncate=(1,), reorder=(1,)))
    assert heard == [0, ("litter", 1), ("cut off", 1), 2, 1, 3]
    assert emitter.summary() == "; injected: 1 garbage, 1 truncate, 1 reorder"


def test_where_chance_spared_all_frames_it_says_so():
    assert play(Script())[1].summary() == "; injected: nothing"


@pytest.mark.parametrize("plan", [Faults(kill_after=2), Faults(kill_after=2, drop=1.0)])
def test_it_kills_after_so_many_frames_whatever_became_of_them(plan):
    killed_after = []
    listener = Listener()
    emitter = FaultyEmitter(
        listener,
        listener,
        FaultPlan(plan, 1),
        kill=lambda: killed_after.append(len(listener.heard)),
    )
    for seq in range(4):
        emitter.send(frame_of(seq))
    assert killed_after == [2]
