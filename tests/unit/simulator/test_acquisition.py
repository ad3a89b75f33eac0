from __future__ import annotations

import numpy as np
import pytest

from ltemlive.errors import ConfigError
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario


def scenario(**changes) -> Scenario:
    document = {
        "specimen": {"size_px": 64, "margin_px": 16},
        "microscope": {"pixel_nm": 20.0},
        "defocus_nm": [0.0, -1e5, 1e5],
        **changes,
    }
    return Scenario.model_validate(document)


def test_frames_carry_what_the_microscope_knows():
    acquisition = Acquisition(scenario(exposure_s=0.25))
    frames = list(acquisition.frames())
    assert [frame.meta.seq for frame in frames] == [0, 1, 2]
    assert [frame.meta.defocus_nm for frame in frames] == [0.0, -1e5, 1e5]
    for frame in frames:
        assert frame.image.shape == (64, 64)
        assert frame.image.dtype == np.dtype("<f4")
        assert frame.meta.pixel_nm == 20.0
        assert frame.meta.voltage_kv == 200.0
        assert frame.meta.exposure_s == 0.25
        assert frame.image.mean() == pytest.approx(1.0, abs=0.1)


def test_the_announcement_fits_the_frames():
    acquisition = Acquisition(scenario())
    announcement = acquisition.announcement
    frames = list(acquisition.frames())
    assert announcement.n_expected == len(frames)
    assert announcement.shape == frames[0].image.shape
    assert announcement.pixel_type == frames[0].image.dtype.str
    assert announcement.plan_defocus_nm == tuple(frame.meta.defocus_nm for frame in frames)
    assert announcement.microscope.pixel_nm == 20.0


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others():
    first, again, other = (
        [frame.image for frame in Acquisition(scenario(seed=seed)).frames()]
        for seed in (3, 3, 4)
    )
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_a_longer_series_begins_with_the_same_frames():
    short = list(Acquisition(scenario()).frames())
    long = list(Acquisition(scenario(defocus_nm=[0.0, -1e5, 1e5, 5e5])).frames())
    assert all(
        np.array_equal(one.image, two.image) for one, two in zip(short, long, strict=False)
    )


def test_some_frames_alone_are_those_of_the_series():
    drifting = scenario(drift_px_per_frame=[0.5, 0.0], stage={"contamination_per_s": 0.01})
    every = list(Acquisition(drifting).frames())
    some = list(Acquisition(drifting).frames(only=[0, 2]))
    assert [frame.meta.seq for frame in some] == [0, 2]
    for frame in some:
        np.testing.assert_array_equal(frame.image, every[frame.meta.seq].image)


def test_the_truth_is_what_the_in_focus_frame_shows():
    acquisition = Acquisition(scenario(noise={"kind": "none"}, defocus_nm=[0.0]))
    (frame,) = acquisition.frames()
    shown = np.sqrt(frame.image / frame.image.mean())
    np.testing.assert_allclose(shown, acquisition.truth_amplitude, rtol=1e-5)
    assert acquisition.truth_phase_rad.shape == frame.image.shape


def test_the_demo_phase_spans_several_radians():
    truth = Acquisition(Scenario()).truth_phase_rad
    assert truth.shape == (512, 512)
    assert 4.0 < np.ptp(truth) < 10.0


def test_the_stage_drifts_by_the_stated_pixels_from_frame_to_frame():
    stated = {
        "noise": {"kind": "none"},
        "defocus_nm": [1e5, 1e5, 1e5],
        "drift_px_per_frame": [2.0, -1.0],
    }
    first, second, third = (f.image for f in Acquisition(scenario(**stated)).frames())
    np.testing.assert_allclose(second[2:, :-1], first[:-2, 1:], atol=1e-5)
    np.testing.assert_allclose(third[4:, :-2], first[:-4, 2:], atol=1e-5)


def test_a_periodic_border_leaves_the_margin_out():
    keys = {"specimen": {"size_px": 64}, "microscope": {"border": "periodic"}}
    acquisition = Acquisition(scenario(**keys))
    assert acquisition.specimen.phase_rad.shape == (64, 64)
    assert acquisition.specimen.margin_px == 0


def test_stripe_domains_show_by_their_walls_only_out_of_focus():
    acquisition = Acquisition(
        scenario(
            specimen={"kind": "stripe_domains", "size_px": 64, "margin_px": 16},
            noise={"kind": "none"},
        )
    )
    in_focus, over, under = (frame.image for frame in acquisition.frames())
    np.testing.assert_allclose(in_focus, 1.0, atol=1e-6)
    assert over.std() > 0.01
    assert np.corrcoef((over - 1.0).ravel(), (under - 1.0).ravel())[0, 1] < -0.5


def test_counting_cameras_give_integers():
    stated = {"noise": {"kind": "poisson", "dose_e_per_px": 50.0}, "pixel_type": "<u2"}
    (frame,) = Acquisition(scenario(**stated, defocus_nm=[0.0])).frames()
    assert frame.image.dtype == np.dtype("<u2")
    assert frame.image.mean() == pytest.approx(50.0, rel=0.1)


def test_a_stage_beyond_the_field_is_refused_for_its_sides_join():
    document = {
        "specimen": {"kind": "vortex_discs", "size_px": 64, "margin_px": 8},
        "microscope": {"pixel_nm": 20.0},
        "stage": {"jump_px": [0.0, 60.0], "jump_at": 2},
    }
    with pytest.raises(ConfigError, match=r"frame 2 at 60 px.*one of 60 would do"):
        Acquisition(Scenario.model_validate(document))
    document["specimen"]["margin_px"] = 60
    Acquisition(Scenario.model_validate(document))
    goes_on = {"kind": "skyrmion_lattice", "size_px": 64, "margin_px": 8}
    fine = {"specimen": goes_on, "microscope": {"pixel_nm": 5.0}}
    Acquisition(Scenario.model_validate(document | fine))
