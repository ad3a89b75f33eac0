"""States larger than the frame: the middle of the whole, or one line that says why not."""

from __future__ import annotations

import numpy as np
import pytest

from ltemlive.errors import ConfigError
from simulator.specimen_scenario import SpecimenScenario
from simulator.specimens import Chance, make_specimen, micromagnetic


@pytest.fixture
def in_frame(tmp_path, ovf_bytes):
    """Put 96 x 40 nm of 4 nm thickness, the right half of 2 nm, into a frame."""
    y, x = np.meshgrid(np.arange(20), np.arange(48), indexing="ij")
    angle = 0.15 * x + 0.1 * y
    vectors = np.stack([np.cos(angle), np.sin(angle), 0.4 * np.cos(3.0 * angle)], axis=-1)
    vectors = np.stack([vectors, vectors * (x < 24)[..., np.newaxis]])
    path = tmp_path / "wide.ovf"
    path.write_bytes(ovf_bytes(vectors, cell_m=(2e-9, 2e-9, 2e-9), unit="T"))

    def put(size_px, *, margin_px=4, pixel_nm=2.0, **keys):
        stated = {"kind": "micromagnetic", "file": str(path), "size_px": size_px} | keys
        return make_specimen(
            SpecimenScenario.model_validate(stated),
            pixel_nm=pixel_nm,
            voltage_kv=200.0,
            margin_px=margin_px,
            chance=Chance(np.random.default_rng(1)),
        )

    return put


@pytest.mark.parametrize("keys", [{}, {"tilt_y_deg": 50.0}, {"seen_from": "y"}])
def test_a_frame_smaller_than_the_state_shows_the_middle_of_the_whole(in_frame, keys):
    whole, part = in_frame(80, **keys), in_frame(20, **keys)
    middle = slice(30, 58)  # 28 of 88 pixels
    assert part.phase_rad.shape == (28, 28)
    expected = whole.phase_rad[middle, middle]
    np.testing.assert_allclose(part.phase_rad, expected, atol=2e-3 * np.ptp(expected))
    np.testing.assert_allclose(part.amplitude, whole.amplitude[middle, middle], atol=1e-4)


def test_a_state_larger_than_a_frame_without_margin_is_refused(in_frame):
    assert in_frame(48, margin_px=0).phase_rad.shape == (48, 48)
    with pytest.raises(ConfigError) as caught:
        in_frame(40, margin_px=0)
    assert str(caught.value).endswith(
        "wide.ovf: expected a state within the frame (80 nm), whose sides join without a "
        "margin, got 96 x 40 nm; specimen.size_px of 48 would do, or border: free and a "
        "margin_px"
    )
    with pytest.raises(ConfigError, match=r"got 49\.32 x 40 nm; specimen.size_px of 25"):
        in_frame(20, margin_px=0, tilt_y_deg=61.5)


def test_a_state_of_too_many_pixels_is_refused_with_the_pixel_that_would_do(
    in_frame, monkeypatch
):
    monkeypatch.setattr(micromagnetic, "MOST_PX", 64)
    expected = (
        "at most 64 pixels of 1 nm, got 96 x 40 nm; microscope.pixel_nm of 1.55 would do"
    )
    with pytest.raises(ConfigError, match=expected):
        in_frame(16, pixel_nm=1.0)
    assert in_frame(16, pixel_nm=1.55).phase_rad.shape == (24, 24)
    assert in_frame(96, pixel_nm=1.0).phase_rad.shape == (104, 104)  # larger than 64 anyway
