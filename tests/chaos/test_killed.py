"""Whatever is killed, at whatever instant: no frame is lost and the result is the same."""

from __future__ import annotations

import signal
import time

import numpy as np
import pytest

from ltemlive.recording.layout import unfinished_session

pytestmark = pytest.mark.timeout(600)

WAIT_S = 120.0
N_SEEDS = 50
"""As many instants at which the daemon is killed; the first three belong to every run."""


def seeds(n, *, always):
    """Return seeds, of which all but the first few are for ``make chaos``."""
    later = (pytest.param(seed, marks=pytest.mark.chaos) for seed in range(always, n))
    return [*range(always), *later]


def await_instant(laboratory, seed, longest_final_s):
    """Return at an instant that the seed chooses: receiving, solving, or exporting."""
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:
        laboratory.await_entries(int(rng.integers(1, 24)), "received", "stored")
        time.sleep(rng.uniform(0.0, 0.02))
    elif seed % 3 == 1:
        # A series that had ended before the first kill is not live after it.
        n_steps = int(rng.integers(1, 9))
        laboratory.await_entries(n_steps, "added", "refined", or_any_of=("finished",))
        time.sleep(rng.uniform(0.0, 0.5))
    else:
        laboratory.await_entries(1, "ended")
        time.sleep(rng.uniform(0.0, longest_final_s))


@pytest.mark.parametrize("seed", seeds(N_SEEDS, always=3))
def test_a_daemon_that_is_killed_goes_on_where_it_was(laboratory, undisturbed, seed):
    with laboratory.microscope() as microscope:
        for number in range(1 + (seed % 5 == 4)):
            with laboratory.daemon() as running:
                await_instant(laboratory, seed + 1000 * number, undisturbed.final_s)
                running.process.kill()
                running.process.wait(WAIT_S)
        with laboratory.daemon() as running:
            assert microscope.wait(WAIT_S) == 0
            laboratory.await_entries(1, "finished")
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(WAIT_S) == 0
    laboratory.check_frames()
    laboratory.check_solved_once()
    laboratory.check_final(undisturbed.phase_rad())
    assert unfinished_session(laboratory.root / "sessions") is None
    assert not list(laboratory.session.rglob("*.part"))


@pytest.mark.parametrize("seed", seeds(6, always=0))
def test_a_daemon_that_is_asked_to_stop_in_mid_series_goes_on_later(
    laboratory, undisturbed, seed
):
    with laboratory.microscope() as microscope:
        with laboratory.daemon() as running:
            n_stored = int(np.random.default_rng(seed).integers(1, 12))
            laboratory.await_entries(n_stored, "stored")
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(WAIT_S) == 0
        assert unfinished_session(laboratory.root / "sessions") == laboratory.session
        with laboratory.daemon():
            assert microscope.wait(WAIT_S) == 0
            laboratory.await_entries(1, "finished")
    laboratory.check_frames()
    laboratory.check_solved_once()
    laboratory.check_final(undisturbed.phase_rad())


@pytest.mark.parametrize("seed", seeds(10, always=1))
def test_a_producer_that_is_killed_leaves_a_series_that_ends_and_begins_another(
    laboratory, undisturbed, seed
):
    n_sent = int(np.random.default_rng(seed).integers(3, 12))
    with laboratory.daemon():
        with laboratory.microscope("--kill-after", str(n_sent)) as microscope:
            assert microscope.wait(WAIT_S) == -signal.SIGKILL
        with laboratory.microscope() as microscope:
            assert microscope.wait(WAIT_S) == 0
        laboratory.await_entries(2, "finished")
    exits = {each["ordinal"]: each["exit_status"] for each in laboratory.journal("ended")}
    assert exits == {1: "abandoned", 2: "success"}
    n_stored = sum(entry["ordinal"] == 1 for entry in laboratory.journal("stored"))
    # What it had sent and not yet handed over died with it; it knew that it was not safe.
    assert n_sent - 8 <= n_stored <= n_sent
    laboratory.check_frames(ordinal=2)
    laboratory.check_solved_once()
    laboratory.check_final(undisturbed.phase_rad(), ordinal=2)
