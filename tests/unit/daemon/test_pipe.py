import math
from dataclasses import replace
from multiprocessing import Pipe

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ltemlive.daemon.pipe import receive, send
from ltemlive.events import (
    AdviceGiven,
    FrameDeviations,
    FrameRejected,
    PhaseEstimate,
    PhaseSigmas,
    SeriesEnded,
)
from ltemlive.frames import PIXEL_TYPES, Frame, FrameMeta

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
SMALL = hnp.array_shapes(min_dims=2, max_dims=2, min_side=16, max_side=17)


def sent(head, parcels=()):
    ours, theirs = Pipe()
    with ours, theirs:
        send(ours, head, parcels)
        return receive(theirs)


def images(dtype):
    elements = {"allow_nan": False} if np.dtype(dtype).kind == "f" else None
    # A frame has at least one finite pixel.
    return hnp.arrays(dtype, SMALL, elements=elements).filter(
        lambda it: np.isfinite(it).any()
    )


@given(st.dictionaries(st.text(), ANYTHING))
def test_a_head_comes_as_it_went(head):
    assert sent(head).head == head


@given(
    st.sampled_from(PIXEL_TYPES).flatmap(images),
    st.dictionaries(st.text(), ANYTHING),
    st.none() | st.floats(allow_nan=False),
)
def test_a_frame_comes_bit_for_bit_with_all_that_is_solved_with(image, meta, defocus_nm):
    known = FrameMeta(3, defocus_nm=defocus_nm, pixel_nm=5.0)
    (came,) = sent({}, [Frame(replace(known, meta=meta), image)]).parcels
    assert came.meta == known
    assert (came.image.dtype, came.image.shape) == (image.dtype, image.shape)
    assert came.image.tobytes() == image.tobytes()


def test_an_image_that_is_a_window_of_another_comes_whole():
    image = np.arange(40 * 40, dtype="<u2").reshape(40, 40)[3:35, ::2]
    (came,) = sent({}, [Frame(FrameMeta(0), image)]).parcels
    np.testing.assert_array_equal(came.image, image)


@given(hnp.arrays(np.float32, SMALL), st.lists(st.floats()))
def test_an_estimate_comes_bit_for_bit_whatever_its_numbers(phase_rad, objective):
    estimate = PhaseEstimate(
        ordinal=2,
        series="löcher \udcff",
        rev=7,
        seqs_used=(0, 4),
        defocus_nm=(0.0, -1e5),
        steps=30,
        gradient_evaluations=33,
        objective=tuple(objective),
        is_final=False,
        phase_rad=phase_rad,
        amplitude=phase_rad[::-1],
        pixel_nm=5.0,
        device="abacus",
        shift_px=((0.0, 0.0), (-1.25, 40.5)),
        rotation_deg=(0.0, -0.5),
        magnification=(1.0, 1.02),
        convergence_mrad=0.0098,
        deviations=FrameDeviations((None, 8e2), ((0.0, 0.0), (0.1, 0.2)), (0.0, 0.1)),
        phase_sigma_rad=phase_rad[:, ::-1],
        sigmas=PhaseSigmas(0.05, 0.002, 1.3),
        holdout=(1.0, 2.5),
        notes=("a", "b"),
    )
    (came,) = sent({}, [estimate]).parcels
    assert came.phase_rad.tobytes() == phase_rad.tobytes()
    np.testing.assert_array_equal(came.amplitude, estimate.amplitude)
    np.testing.assert_array_equal(came.objective, estimate.objective)
    assert isinstance(came.deviations, FrameDeviations)
    assert came.deviations == estimate.deviations
    np.testing.assert_array_equal(came.phase_sigma_rad, estimate.phase_sigma_rad)
    assert isinstance(came.sigmas, PhaseSigmas)
    assert came.sigmas == estimate.sigmas
    assert came.convergence_mrad == 0.0098
    for name in (
        "series",
        "rev",
        "seqs_used",
        "defocus_nm",
        "shift_px",
        "rotation_deg",
        "magnification",
        "holdout",
        "notes",
    ):
        assert getattr(came, name) == getattr(estimate, name)


def test_events_come_in_the_order_in_which_they_went():
    events = (
        FrameRejected("holes", "3", "too wide", 1),
        AdviceGiven("look", "warning", 1),
        SeriesEnded(1, "holes", "abort", "folder"),
    )
    assert sent({"n": math.inf}, events).parcels == events


def test_the_end_of_the_other_end_is_told():
    ours, theirs = Pipe()
    theirs.close()
    with ours, pytest.raises((EOFError, OSError)):
        receive(ours)
