from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltemlive.dashboard.shown.content import Notice
from ltemlive.dashboard.shown.fits import FrameFit
from ltemlive.dashboard.shown.snapshot import (
    SILENT_AFTER_S,
    DisplaySnapshot,
    banner,
    connection,
    data_age_s,
    fits,
    latency_s,
    merge,
    with_link,
)
from ltemlive.errors import WireError
from ltemlive.events import AdviceGiven, FrameRejected, FrameStored, PhaseEstimate
from ltemlive.wire.estimates import estimate_message
from ltemlive.wire.results import (
    DaemonStatus,
    FrameRow,
    ResultMessage,
    advice_message,
    decode_result,
    encode_result,
    frame_message,
    status_message,
)

T_DAEMON = 1_700_000_000.0
NOW = 500.0

PHASE = np.add.outer(np.linspace(0, 3, 16), np.linspace(0, 1, 20)).astype(np.float32)
ESTIMATE = PhaseEstimate(
    ordinal=1,
    series="s",
    rev=1,
    seqs_used=(0, 1),
    defocus_nm=(0.0, 150.0),
    steps=2,
    gradient_evaluations=3,
    objective=(4.0, 2.0),
    is_final=False,
    phase_rad=PHASE,
    amplitude=np.ones_like(PHASE),
    pixel_nm=2.0,
    device="CPU",
)
STATUS = DaemonStatus(
    session="a",
    state="solving",
    device="CPU",
    ordinal=1,
    series="s",
    n_expected=5,
    received=2,
    stored=2,
    dropped=0,
    disordered=0,
    duplicate=0,
    rejected=0,
    queued=0,
    frames=(FrameRow(0, "f0.tif", 0.0, "stored"), FrameRow(1, "f1.tif", 150.0, "stored")),
    version="0.1.0",
)


def sent(message: ResultMessage) -> ResultMessage:
    """As it arrives: lists for tuples, arrays that are views."""
    return decode_result(encode_result(message))


def estimate(t_published: float = T_DAEMON, **changes) -> ResultMessage:
    made = replace(ESTIMATE, **changes)
    return sent(estimate_message(made, t_published=t_published, preview_px=1024))


def status(t_published: float = T_DAEMON, **changes) -> ResultMessage:
    return sent(status_message(replace(STATUS, **changes), t_published=t_published))


def stored(seq: int, *, ordinal: int = 1) -> ResultMessage:
    event = FrameStored(ordinal, "s", seq, 10.0, T_DAEMON)
    return sent(frame_message(event, t_published=T_DAEMON))


def rejected(frame: str, *, ordinal: int | None = 1) -> ResultMessage:
    event = FrameRejected("s", frame, "too dark", ordinal)
    return sent(frame_message(event, t_published=T_DAEMON))


def advice(text: str, *, ordinal: int | None = None) -> ResultMessage:
    return sent(advice_message(AdviceGiven(text, "info", ordinal), t_published=T_DAEMON))


def after(*messages: ResultMessage) -> DisplaySnapshot:
    snapshot = with_link(DisplaySnapshot(), "up")
    for message in messages:
        snapshot = merge(snapshot, message, now=NOW)
    return snapshot


def states(snapshot: DisplaySnapshot) -> dict[str, str]:
    return {row.frame: row.state for row in snapshot.frames}


def test_an_estimate_is_shown_with_its_maps_and_scales():
    shown = after(estimate()).estimate
    np.testing.assert_array_equal(shown.phase_rad, PHASE)
    slope_y, slope_x = 3 / 15 / 2.0, 1 / 19 / 2.0
    np.testing.assert_allclose(
        shown.gradient_rad_per_nm, np.hypot(slope_y, slope_x), rtol=1e-4
    )
    np.testing.assert_allclose(
        shown.induction_scale_t_nm, 658.21 * np.hypot(slope_y, slope_x), rtol=1e-3
    )
    assert shown.pixel_nm == 2.0


def test_a_preview_keeps_the_true_size():
    message = sent(estimate_message(ESTIMATE, t_published=T_DAEMON, preview_px=10))
    shown = after(message).estimate
    assert shown.phase_rad.shape == (8, 10)
    assert shown.pixel_nm == 4.0


@given(revs=st.lists(st.integers(0, 6), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_of_any_sequence_of_revisions_each_is_shown_once_and_never_an_older_one(revs):
    snapshot = DisplaySnapshot()
    newest = -1
    for rev in revs:
        merged = merge(snapshot, estimate(rev=rev), now=NOW)
        if rev > newest:
            assert merged.estimate.rev == rev
            newest = rev
        else:
            assert merged is snapshot
        snapshot = merged


def test_another_session_starts_the_revisions_again():
    snapshot = after(status(), estimate(rev=7), advice("old"), status(session="b"))
    assert snapshot.estimate is None
    assert snapshot.notice is None
    assert snapshot.link == "up"
    assert merge(snapshot, estimate(rev=1), now=NOW).estimate.rev == 1


def test_a_heartbeat_of_the_same_session_keeps_the_estimate():
    assert after(status(), estimate(rev=7), status()).estimate.rev == 7


def test_topics_that_are_not_drawn_change_nothing():
    snapshot = after(status())
    assert merge(snapshot, ResultMessage("metrics", {}), now=NOW) is snapshot


def test_frames_the_estimate_used_are_marked_whichever_message_comes_first():
    wanted = {"f0.tif": "used", "f1.tif": "stored"}
    alone = estimate(seqs_used=(0,), defocus_nm=(0.0,))
    assert states(after(status(), alone)) == wanted
    assert states(after(alone, status())) == wanted


def test_an_estimate_of_another_series_marks_no_frame():
    snapshot = after(estimate(seqs_used=(0, 1)), status(ordinal=2))
    assert set(states(snapshot).values()) == {"stored"}


def test_a_stored_frame_is_appended_and_a_repeated_one_replaced():
    snapshot = after(status(), stored(2), stored(1))
    assert [row.seq for row in snapshot.frames] == [0, 1, 2]
    assert snapshot.frames[1].defocus_nm == 10.0


def test_a_rejected_file_is_listed_by_its_name_and_said_in_the_banner():
    snapshot = after(status(), rejected("bad.tif"), rejected("bad.tif"))
    assert states(snapshot)["bad.tif"] == "rejected"
    assert len(snapshot.frames) == 3
    assert banner(snapshot) == Notice("Frame bad.tif rejected: too dark", "warning", 1)


def test_a_rejected_file_of_no_series_is_only_in_the_banner():
    snapshot = after(status(), rejected("bad.tif", ordinal=None))
    assert "bad.tif" not in states(snapshot)
    assert "bad.tif" in banner(snapshot).text


def test_the_first_frame_of_a_new_series_begins_a_new_table():
    snapshot = after(status(), stored(0, ordinal=2))
    assert states(snapshot) == {"0": "stored"}
    assert snapshot.ordinal == 2


def test_a_late_frame_of_an_earlier_series_is_not_listed():
    snapshot = after(status(ordinal=2), stored(9, ordinal=1))
    assert "9" not in states(snapshot)


def test_the_first_message_may_be_a_frame():
    assert states(after(stored(0))) == {"0": "stored"}


def test_the_curve_goes_on_from_revision_to_revision():
    snapshot = after(estimate(), estimate(rev=2, steps=4, objective=(1.5, 1.0)))
    assert snapshot.curve.steps == (1, 2, 3, 4)
    assert snapshot.curve.values == (4.0, 2.0, 1.5, 1.0)


def test_the_curve_begins_again_with_a_cold_start_and_with_another_series():
    cold = after(estimate(), estimate(rev=2, steps=1, objective=(9.0,)))
    assert cold.curve.steps == (1,)
    other = after(estimate(), estimate(rev=2, ordinal=2, steps=5, objective=(9.0,)))
    assert other.curve.steps == (5,)


def test_the_curve_stays_bounded():
    long = after(estimate(steps=5000, objective=tuple(float(n) for n in range(5000))))
    assert len(long.curve.steps) == len(long.curve.values) == 4096
    assert long.curve.steps[-1] == 5000


def test_a_step_that_diverged_is_a_gap_in_the_curve():
    values = after(estimate(objective=(4.0, float("inf")))).curve.values
    assert values[0] == 4.0
    assert np.isnan(values[1])


def test_advice_about_an_earlier_series_gives_way():
    snapshot = after(status(), advice("move on", ordinal=1))
    assert banner(snapshot).text == "move on"
    assert banner(merge(snapshot, status(ordinal=2), now=NOW)) is None


def test_advice_stays_while_no_series_is_listed_and_where_it_is_about_none():
    assert banner(after(advice("a", ordinal=1))).text == "a"
    assert banner(after(status(ordinal=3), advice("disk full"))).text == "disk full"


def test_what_the_disk_refuses_stays_in_the_banner_until_it_is_over():
    problem = "frames/000003.tif: cannot be written (No space left on device)"
    trouble = sent(status_message(replace(STATUS, problem=problem), t_published=T_DAEMON))
    snapshot = after(trouble, advice("look at the scale bar"))
    assert banner(snapshot) == Notice(problem, "error")
    assert banner(merge(snapshot, status(), now=NOW)).text == "look at the scale bar"


def test_without_advice_the_banner_has_what_the_estimate_says_of_itself():
    assert banner(after(estimate(notes=("No frame in focus.", "Cold start.")))) == Notice(
        "No frame in focus. Cold start.", "info"
    )
    assert banner(after(estimate())) is None
    assert banner(DisplaySnapshot()) is None


def test_the_connection_is_live_while_heartbeats_come():
    snapshot = after(status())
    assert connection(snapshot, now=NOW + SILENT_AFTER_S) == "live"
    assert connection(snapshot, now=NOW + SILENT_AFTER_S + 0.1) == "silent"
    assert connection(after(), now=NOW) == "silent"


@pytest.mark.parametrize(
    ("link", "shown"),
    [("connecting", "connecting"), ("down", "lost"), ("refused", "refused")],
)
def test_without_a_link_a_fresh_heartbeat_counts_for_nothing(link, shown):
    assert connection(with_link(after(status()), link), now=NOW) == shown


def test_the_banner_says_first_why_the_daemon_does_not_let_us_in():
    refused = with_link(after(advice("move on")), "refused", "it asks for keys")
    assert banner(refused) == Notice("it asks for keys", "error")
    assert banner(with_link(refused, "up")).text == "move on"


def test_the_same_link_is_no_change():
    snapshot = after()
    assert with_link(snapshot, "up") is snapshot


@given(skew_s=st.floats(-1e5, 1e5), waited_s=st.floats(0, 1e4), lag_s=st.floats(0, 100))
@settings(max_examples=50, deadline=None)
def test_the_age_of_the_data_does_not_depend_on_whose_clock_is_right(
    skew_s, waited_s, lag_s
):
    beat = status(t_published=T_DAEMON + skew_s + lag_s)
    snapshot = after(estimate(t_published=T_DAEMON + skew_s), beat)
    age_s = data_age_s(snapshot, now=NOW + waited_s)
    assert age_s == pytest.approx(waited_s + lag_s, abs=1e-3)


def test_an_estimate_newer_than_the_heartbeat_has_no_negative_age():
    snapshot = after(status(), estimate(t_published=T_DAEMON + 0.5))
    assert data_age_s(snapshot, now=NOW) == 0.0
    assert data_age_s(snapshot, now=NOW + 0.6) == pytest.approx(0.1, abs=1e-3)


def test_the_age_is_unknown_before_heartbeat_or_estimate():
    assert data_age_s(after(estimate()), now=NOW) is None
    assert data_age_s(after(status()), now=NOW) is None
    no_clock = replace(after(status(), estimate()), t_heartbeat=None)
    assert data_age_s(no_clock, now=NOW) is None


def test_the_latency_is_counted_from_the_exposure():
    snapshot = after(estimate(t_published=T_DAEMON, t_frame_last=T_DAEMON - 1.5))
    assert latency_s(snapshot) == pytest.approx(1.5)
    assert latency_s(after(estimate())) is None
    assert latency_s(after()) is None


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (ResultMessage("status", {**status().header, "frames": 3}), "frames"),
        (ResultMessage("status", {**status().header, "frames": [3]}), "frames"),
        (ResultMessage("status", {**status().header, "queued": -1}), "queued"),
        (ResultMessage("frame", {**stored(0).header, "state": "lost"}), "state"),
        (ResultMessage("advice", {"text": "x", "level": "loud"}), "level"),
        (ResultMessage("estimate", estimate().header, {}), "phase"),
        (
            ResultMessage(
                "estimate",
                estimate().header,
                {**estimate().arrays, "induction": np.zeros((2, 3, 3), np.float32)},
            ),
            "induction",
        ),
        *[
            (
                ResultMessage(
                    "estimate", {**estimate().header, key: wrong}, estimate().arrays
                ),
                key,
            )
            for key, wrong in {
                "rev": "1",
                "steps": None,
                "seqs_used": [0.5],
                "objective": ["low"],
                "notes": "none",
                "arrays": [],
                "t_published": -1,
            }.items()
        ],
    ],
)
def test_a_message_with_a_wrong_value_is_refused_by_name(message, named):
    with pytest.raises(WireError, match=named):
        after(message)


# Frames that are not used


def test_a_frame_set_aside_is_told_with_its_reason_and_may_come_back():
    alone = {"seqs_used": (0,), "defocus_nm": (0.0,)}
    aside = after(status(), estimate(rev=3, set_aside=((1, "saturated"),), **alone))
    assert states(aside) == {"f0.tif": "used", "f1.tif": "aside"}
    assert aside.frames[1].reason == "saturated"
    back = merge(aside, estimate(rev=4), now=NOW)
    assert states(back) == {"f0.tif": "used", "f1.tif": "used"}
    assert back.frames[1].reason is None


@pytest.mark.parametrize(
    "wrong", [{"0": "blank"}, ["blank"], [{"seq": 0}], [{"reason": ""}]]
)
def test_what_is_set_aside_without_a_number_or_reason_is_refused(wrong):
    message = estimate()
    header = {**message.header, "set_aside": wrong}
    with pytest.raises(WireError, match="set_aside"):
        after(replace(message, header=header))


# How frames fit


def test_frames_fit_as_the_newest_estimate_of_their_series_says():
    told = estimate(
        shift_px=((0.0, 0.0), (1.5, -2.0)),
        rotation_deg=(0.0, 0.5),
        magnification=(1.0, 1.02),
        holdout=(1.0, float("inf")),
    )
    assert fits(after(status())) == {}
    assert fits(after(status(), estimate()))[1] == FrameFit(defocus_nm=150.0)
    assert fits(after(status(), told)) == {
        0: FrameFit((0.0, 0.0), (0.0, 1.0), 1.0, 0.0),
        1: FrameFit((1.5, -2.0), (0.5, 1.02), None, 150.0),
    }
    assert fits(after(told, status(ordinal=2))) == {}


def test_a_fit_that_is_no_number_is_not_told():
    message = estimate(shift_px=((0.0, 0.0), (1.5, -2.0)), holdout=(1.0, 1.0))
    wrong = {"shift_px": [[10**400, 0.0], "x"], "holdout": [True, 10**400]}
    wrong["defocus_nm"] = ["focus", 10**400]
    shown = fits(after(replace(message, header={**message.header, **wrong}), status()))
    assert shown == {0: FrameFit(), 1: FrameFit()}


@pytest.mark.parametrize(
    "wrong", [{"shift_px": [[0.0, 0.0]]}, {"rotation_deg": [0.0]}, {"holdout": {"0": 1.0}}]
)
def test_fits_of_other_frames_than_those_used_are_refused(wrong):
    message = estimate(shift_px=((0.0, 0.0), (1.5, -2.0)), holdout=(1.0, 1.0))
    with pytest.raises(WireError, match="as a list of 2 frames"):
        after(replace(message, header={**message.header, **wrong}))
