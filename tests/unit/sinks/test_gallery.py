import numpy as np
import pytest

from ltemlive.errors import WireError
from ltemlive.physics.induction import phase_gradient, projected_induction
from ltemlive.sinks import gallery as gallery_module
from ltemlive.sinks.gallery import KEPT_FINALS, Gallery
from ltemlive.wire.results import decode_result


@pytest.fixture
def gallery():
    return Gallery()


def test_each_array_is_there_at_full_size(gallery, estimate_of):
    estimate = estimate_of(3)
    gallery.keep(estimate)
    phase = estimate.phase_rad
    wanted = {
        "phase": (phase, "rad"),
        "gradient": (phase_gradient(phase, pixel_nm=5.0), "rad/nm"),
        "induction": (projected_induction(phase, pixel_nm=5.0), "T nm"),
        "amplitude": (estimate.amplitude, "1"),
    }
    for name, (array, unit) in wanted.items():
        found, data = gallery.full(name, None, t=7.0)
        message = decode_result(data)
        assert found is estimate
        assert (message.topic, list(message.arrays)) == ("estimate", [name])
        np.testing.assert_array_equal(message.arrays[name], array)
        (entry,) = message.header["arrays"]
        assert (entry["unit"], entry["pixel_nm"]) == (unit, 5.0)
        assert (message.header["rev"], message.header["t_published"]) == (3, 7.0)


def test_an_array_is_encoded_once_however_often_it_is_asked_for(gallery, estimate_of):
    gallery.keep(estimate_of(3))
    first = [gallery.full("phase", None, t=1.0)[1] for _ in range(100)]
    assert all(data is first[0] for data in first)
    assert gallery.full("phase", 3, t=2.0)[1] is first[0]
    assert gallery.full("amplitude", 3, t=2.0)[1] is not first[0]


def test_the_newest_live_one_and_the_last_final_ones_are_kept(gallery, estimate_of):
    for ordinal in range(1, KEPT_FINALS + 2):
        gallery.keep(estimate_of(10 * ordinal, ordinal=ordinal))
        gallery.keep(estimate_of(10 * ordinal + 1, ordinal=ordinal, is_final=True))
    gallery.keep(estimate_of(99, ordinal=7))
    with pytest.raises(WireError) as caught:
        gallery.full("phase", 50, t=1.0)
    assert str(caught.value) == (
        "full phase: expected a rev of 21 31 41 51 99, got 50; leave it out for the "
        "newest; the final arrays of every series are files in its folder"
    )
    assert gallery.full("phase", 21, t=1.0)[0].is_final
    assert gallery.full("phase", None, t=1.0)[0].rev == 99


def test_a_live_one_that_was_asked_for_stays_until_another_is(gallery, estimate_of):
    gallery.keep(estimate_of(3))
    first = gallery.full("phase", 3, t=1.0)[0]
    gallery.keep(estimate_of(4))
    gallery.keep(estimate_of(5))
    assert gallery.full("amplitude", 3, t=2.0)[0] is first
    assert gallery.full("phase", None, t=3.0)[0].rev == 5
    with pytest.raises(WireError, match="expected a rev of 5, got 3"):
        gallery.full("phase", 3, t=4.0)


def test_a_series_that_ended_again_has_one_final_estimate(gallery, estimate_of):
    for rev in (1, 2):
        gallery.keep(estimate_of(rev, is_final=True))
    with pytest.raises(WireError, match="expected a rev of 2, got 1"):
        gallery.full("phase", 1, t=1.0)


def test_before_the_first_estimate_a_client_is_told_to_ask_again(gallery):
    with pytest.raises(WireError, match="full phase: there is no estimate yet; ask again"):
        gallery.full("phase", None, t=1.0)


def test_what_was_made_of_an_estimate_goes_with_it(gallery, estimate_of):
    gallery.keep(estimate_of(1))
    gallery.full("phase", 1, t=1.0)
    gallery.keep(estimate_of(2))
    gallery.full("phase", 2, t=2.0)
    assert list(gallery._encoded) == [(2, "phase")]


def test_encoded_arrays_are_bounded_and_the_longest_unused_goes_first(
    gallery, estimate_of, monkeypatch
):
    gallery.keep(estimate_of(1))
    nbytes = gallery.full("phase", None, t=1.0)[1].nbytes
    monkeypatch.setattr(gallery_module, "CACHED_BYTES", int(3.5 * nbytes))
    for name in ("amplitude", "phase", "gradient"):
        gallery.full(name, None, t=1.0)
    assert list(gallery._encoded) == [(1, "phase"), (1, "gradient")]
    monkeypatch.setattr(gallery_module, "CACHED_BYTES", 1)
    gallery.full("phase", None, t=1.0)
    assert list(gallery._encoded) == [(1, "phase")]


def test_an_array_that_no_message_can_hold_is_refused_before_it_is_made(
    gallery, estimate_of, monkeypatch
):
    estimate = estimate_of(1)
    monkeypatch.setattr(gallery_module, "MAX_RESULT_HEADER_BYTES", 0)
    monkeypatch.setattr(gallery_module, "MAX_RESULT_BYTES", estimate.phase_rad.nbytes)
    gallery.keep(estimate)
    gallery.full("phase", None, t=1.0)
    with pytest.raises(WireError, match="full gradient: expected at most 6144 bytes, this"):
        gallery.full("gradient", None, t=1.0)
    assert list(gallery._encoded) == [(1, "phase")]
