from __future__ import annotations

import numpy as np
import pytest

from simulator.acquisition import Acquisition, session_of
from simulator.scenario import Scenario

PLAN_NM = [0.0, -1e6, 1e6, -2e5, 2e5]


def scenario(**changes) -> Scenario:
    document = {
        "specimen": {"size_px": 64, "margin_px": 16},
        "microscope": {"pixel_nm": 20.0},
        "defocus_nm": PLAN_NM,
        "noise": {"kind": "none"},
        **changes,
    }
    return Scenario.model_validate(document)


def truths(**stage):
    return list(Acquisition(scenario(stage=stage)).truths())


def images(**changes):
    return [frame.image for frame in Acquisition(scenario(**changes)).frames()]


def test_by_default_nothing_moves_and_what_is_stated_is_true():
    for truth, stated_nm in zip(truths(), PLAN_NM, strict=True):
        assert truth.defocus_nm == truth.stated_defocus_nm == stated_nm
        assert truth.shift_px == (0.0, 0.0)
        assert (truth.rotation_deg, truth.magnification) == (0.0, 1.0)
        assert (truth.contamination, truth.state) == (0.0, 0)


def test_the_true_defocus_differs_from_the_stated_one_as_asked():
    found = truths(defocus_scale=1.1, defocus_offset_nm=5e3)
    for truth in found:
        expected_nm = 1.1 * truth.stated_defocus_nm + 5e3
        assert truth.defocus_nm == pytest.approx(expected_nm)
    scattered = truths(defocus_scatter=0.05)
    ratios = [each.defocus_nm / each.stated_defocus_nm for each in scattered[1:]]
    assert np.ptp(ratios) > 0.01
    assert np.abs(np.subtract(ratios, 1.0)).max() < 0.25


def test_frames_state_what_was_asked_for_and_show_what_was_true():
    acquisition = Acquisition(scenario(stage={"defocus_scale": 0.5}, defocus_nm=[4e5]))
    (frame,) = acquisition.frames()
    assert frame.meta.defocus_nm == 4e5
    np.testing.assert_array_equal(frame.image, images(defocus_nm=[2e5])[0])


def test_the_stage_jumps_once():
    shifts = [truth.shift_px for truth in truths(jump_px=[3.0, -2.0], jump_at=2)]
    assert shifts == [(0.0, 0.0)] * 2 + [(3.0, -2.0)] * 3


def test_a_random_walk_begins_where_the_series_does_and_adds_up():
    shifts = np.array([truth.shift_px for truth in truths(walk_px=1.0)])
    np.testing.assert_array_equal(shifts[0], 0.0)
    assert (np.abs(np.diff(shifts, axis=0)) > 0.0).all()
    again = Acquisition(scenario(stage={"walk_px": 1.0}, defocus_nm=[*PLAN_NM, 5e5]))
    longer = np.array([truth.shift_px for truth in again.truths()])
    np.testing.assert_array_equal(longer[:-1], shifts)


def test_the_image_turns_and_grows_with_the_true_defocus():
    found = truths(rotation_deg_per_mm=2.0, magnification_per_mm=0.03, defocus_scale=1.5)
    for truth in found:
        assert truth.rotation_deg == pytest.approx(2.0 * truth.defocus_nm / 1e6)
        assert truth.magnification == pytest.approx(1.0 + 0.03 * truth.defocus_nm / 1e6)
    still, turned = images(), images(stage={"rotation_deg_per_mm": 2.0})
    np.testing.assert_array_equal(still[0], turned[0])
    assert np.abs(still[1] - turned[1]).max() > 0.01


def test_dirt_grows_from_frame_to_frame_and_most_in_the_middle():
    dirty = images(stage={"contamination_per_s": 0.02}, defocus_nm=[0.0] * 4)
    middle = [image[24:40, 24:40].mean() for image in dirty]
    corner = [image[:8, :8].mean() for image in dirty]
    assert middle == sorted(middle, reverse=True)
    assert middle[-1] / middle[0] == pytest.approx(np.exp(-2 * 0.02 * 2.0 * 3), rel=0.02)
    assert corner[-1] / corner[0] > middle[-1] / middle[0] + 0.1


def test_a_domain_jumps_in_mid_series_and_its_film_stays():
    stage = {"domains_jump_at": 3}
    acquisition = Acquisition(scenario(stage=stage))
    before, after = acquisition.specimen_in(0), acquisition.specimen_in(1)
    np.testing.assert_array_equal(before.amplitude, after.amplitude)
    changed = np.abs(before.phase_rad - after.phase_rad)
    assert changed.max() > 0.5
    # Beyond one element there is its stray field alone.
    assert np.quantile(changed, 0.9) < 0.1 * changed.max()
    still, jumped = images(), images(stage=stage)
    for seq, (one, other) in enumerate(zip(still, jumped, strict=True)):
        assert np.array_equal(one, other) is (seq < 3)


@pytest.mark.parametrize(
    "stage",
    [
        {"walk_px": 1.0, "rotation_scatter_deg": 0.5},
        {"magnification_scatter": 0.01, "defocus_scatter": 0.1},
        {"contamination_per_s": 0.05, "domains_jump_at": 2, "jump_px": [1.5, 0.5]},
    ],
)
def test_whatever_moves_the_same_seed_gives_the_same_frames(stage):
    first, again = images(stage=stage), images(stage=stage)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, images(stage=stage, seed=7))


def test_series_of_a_session_have_noise_of_their_own_and_one_specimen():
    session = {"series_count": 3}
    series = session_of(scenario(session=session, noise={"kind": "gaussian"}))
    assert [each.announcement.series for each in series] == ["demo", "demo-2", "demo-3"]
    first, second, third = (next(each.frames()).image for each in series)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    np.testing.assert_array_equal(series[0].truth_phase_rad, series[2].truth_phase_rad)


def test_a_session_draws_senses_anew_or_turns_them_round():
    document = {"specimen": {"size_px": 64, "margin_px": 16, "inner_potential_v": 0.0}}
    anew, turned = (
        session_of(scenario(session={"series_count": 3, "changes": changes}, **document))
        for changes in ("senses", "reversal")
    )
    phases = [each.truth_phase_rad for each in anew]
    assert not np.allclose(phases[0], phases[1])
    assert not np.allclose(phases[1], phases[2])
    phases = [each.truth_phase_rad for each in turned]
    np.testing.assert_allclose(phases[1], -phases[0], atol=1e-6)
    np.testing.assert_array_equal(phases[2], phases[0])
