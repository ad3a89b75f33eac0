from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.dashboard.shown.estimates import read_estimate
from ltemlive.dashboard.shown.finished import completed, final_revisions
from ltemlive.dashboard.shown.history import (
    NO_HISTORY,
    History,
    nbytes,
    remembered,
    revision_text,
)
from ltemlive.dashboard.shown.snapshot import (
    DisplaySnapshot,
    curve_of,
    merge,
    with_finished,
)
from ltemlive.errors import WireError
from ltemlive.events import PhaseEstimate
from ltemlive.wire.control import Answer
from ltemlive.wire.estimates import estimate_message, full_message
from ltemlive.wire.results import decode_result, encode_result

RAMP = np.add.outer(np.arange(16.0), 2.0 * np.arange(24.0)).astype(np.float32)


def event(**changes):
    made = PhaseEstimate(
        ordinal=1,
        series="vortex",
        rev=1,
        seqs_used=(0, 1),
        defocus_nm=(0.0, 1e5),
        steps=10,
        gradient_evaluations=12,
        objective=(1.0,),
        is_final=False,
        phase_rad=RAMP,
        amplitude=np.ones_like(RAMP),
        pixel_nm=5.0,
        device="CPU",
    )
    return replace(made, **changes)


def shown(**changes):
    message = estimate_message(event(**changes), t_published=1.0, preview_px=1024)
    return read_estimate(decode_result(encode_result(message)))


def revs(history):
    return [each.rev for each in history.entries]


def after(*estimates, **options):
    history = NO_HISTORY
    for each in estimates:
        history = remembered(history, each, **options)
    return history


def test_of_revisions_of_the_same_images_the_newest_is_kept():
    history = after(
        shown(rev=1),
        shown(rev=2),
        shown(rev=3, seqs_used=(0, 1, 2), defocus_nm=(0.0, 1e5, 2e5)),
        shown(rev=4, is_final=True),
    )
    assert revs(history) == [2, 3, 4]


def test_a_series_does_not_replace_the_revisions_of_another():
    history = after(shown(rev=1), shown(rev=2, ordinal=2, series="wall"))
    assert revs(history) == [1, 2]
    assert history.series == ((1, "vortex"), (2, "wall"))
    assert [each.rev for each in history.of(2)] == [2]


def test_a_result_that_comes_late_stands_in_its_place():
    history = after(shown(rev=7, ordinal=2), shown(rev=5, is_final=True))
    assert revs(history) == [5, 7]
    assert history.find(5).is_final
    assert history.find(6) is None


def test_memory_has_a_limit_and_results_are_kept_longest():
    one = nbytes(shown())
    history = after(
        shown(rev=1, seqs_used=(0,), defocus_nm=(0.0,)),
        shown(rev=2),
        shown(rev=3, is_final=True),
        shown(rev=4, ordinal=2, is_final=True),
        most_bytes=2 * one,
    )
    assert revs(history) == [3, 4]
    assert revs(after(shown(rev=1), shown(rev=2, ordinal=2), most_bytes=1)) == [2]


def test_results_that_come_late_never_drive_the_newest_out():
    newest = shown(rev=50, ordinal=5)
    history = after(newest)
    for rev in (40, 30, 20):
        late = shown(rev=rev, ordinal=rev // 10, is_final=True)
        history = remembered(history, late, most_bytes=2 * nbytes(newest))
    assert revs(history) == [20, 50]


def test_a_revision_is_named_by_how_many_images_it_has():
    assert revision_text(shown(rev=3)) == "revision 3: 2 images"
    one = shown(rev=4, seqs_used=(1,), defocus_nm=(0.0,), is_final=True)
    assert revision_text(one) == "revision 4: 1 image, final"


def test_the_snapshot_remembers_each_estimate_and_forgets_those_of_another_session():
    snapshot = DisplaySnapshot()
    for rev, seqs in ((1, (0,)), (2, (0, 1))):
        made = event(rev=rev, seqs_used=seqs, defocus_nm=(0.0,) * rev)
        message = estimate_message(made, t_published=1.0, preview_px=64)
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=0.0)
    assert revs(snapshot.history) == [1, 2]


@pytest.mark.parametrize("beam", ["into_image", "out_of_image"])
def test_a_finished_phase_alone_gives_all_maps_again(beam):
    made = event(is_final=True, beam=beam)
    whole = full_message(made, "phase", t_published=2.0)
    whole = replace(whole, header={**whole.header, "beam": beam})
    snapshot = with_finished(DisplaySnapshot(), decode_result(encode_result(whole)))
    (entry,) = snapshot.history.entries
    told = shown(is_final=True, beam=beam)
    np.testing.assert_allclose(entry.induction_t_nm, told.induction_t_nm, rtol=1e-6)
    np.testing.assert_array_equal(entry.phase_rad, RAMP)
    assert snapshot.estimate is None


def test_a_finished_phase_that_is_large_is_kept_as_a_preview():
    large = np.zeros((16, 4096), np.float32)
    message = full_message(
        event(phase_rad=large, amplitude=large), "phase", t_published=2.0
    )
    estimate = read_estimate(completed(decode_result(encode_result(message))))
    assert estimate.phase_rad.shape == (4, 1024)
    assert estimate.pixel_nm == 20.0


def test_an_answer_without_a_phase_is_refused():
    message = full_message(event(), "amplitude", t_published=2.0)
    with pytest.raises(WireError, match="expected an array phase"):
        with_finished(DisplaySnapshot(), message)


def test_the_finished_revisions_are_read_from_the_events():
    events = [{"kind": "stored", "rev": 1}, {"kind": "final", "rev": 3}, {"kind": "final"}]
    assert final_revisions(Answer(1, ok=True, values={"events": [*events, None]})) == [3]
    assert final_revisions(Answer(1, ok=False)) == []


def test_no_history_has_no_series():
    assert History().series == ()


def told(rev, steps, *objective, **changes):
    made = event(rev=rev, steps=steps, objective=objective, **changes)
    return estimate_message(made, t_published=float(rev), preview_px=1024)


def test_the_objective_is_shown_until_the_revision_that_is():
    snapshot = DisplaySnapshot()
    for message in (
        told(1, 2, 5.0, 4.0),
        told(2, 4, 3.0, 2.0, seqs_used=(0, 1, 2), defocus_nm=(0.0, 1.0, 2.0)),
    ):
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=0.0)
    first, second = snapshot.history.entries
    assert curve_of(snapshot, second) == snapshot.curve
    assert curve_of(snapshot, first).values == (5.0, 4.0)
    other = shown(rev=0, ordinal=9, steps=4, objective=(7.0, 6.0))
    assert curve_of(snapshot, other).steps == (3, 4)
    assert curve_of(snapshot, other).values == (7.0, 6.0)
    assert curve_of(snapshot, None).steps == ()


def test_a_solver_that_began_again_says_nothing_of_a_revision_before():
    snapshot = DisplaySnapshot()
    for message in (told(1, 2, 5.0, 4.0), told(2, 3, 9.0, 8.0, 7.0, is_final=True)):
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=0.0)
    first, final = snapshot.history.entries
    assert curve_of(snapshot, final).values == (9.0, 8.0, 7.0)
    assert curve_of(snapshot, first).values == (5.0, 4.0)


def test_a_session_that_is_replayed_begins_again():
    snapshot = DisplaySnapshot()
    for message in (told(5, 2, 5.0, 4.0), told(9, 4, 3.0, 2.0, ordinal=2)):
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=0.0)
    late = estimate_message(event(rev=3), t_published=1.0, preview_px=1024)
    late = decode_result(encode_result(late))
    assert merge(snapshot, late, now=0.0) is snapshot
    again = estimate_message(event(rev=3), t_published=99.0, preview_px=1024)
    again = merge(snapshot, decode_result(encode_result(again)), now=0.0)
    assert again.estimate.rev == 3
    assert revs(again.history) == [3]
    assert again.curve.steps == (10,)
