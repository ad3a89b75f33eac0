from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ltemlive.errors import ConfigError
from ltemlive.physics.electron import HBAR_OVER_E_T_NM2, interaction_constant_rad_per_v_nm
from simulator.acquisition import Acquisition
from simulator.magnetism import magnetic_phase
from simulator.scenario import load_scenario
from simulator.specimen_scenario import SpecimenScenario
from simulator.specimens.matter import Field
from simulator.specimens.micromagnetic import MU_0_T_M_PER_A, micromagnetic_matter
from simulator.tilt import Tilt

REAL_FILES = Path(__file__).parents[5] / "shared" / "data" / "ovf"
FIELD = Field(64, 64, 2.0)
FLAT = Tilt()


@pytest.fixture
def matter(tmp_path, ovf_bytes):
    """Put vectors into a file and that into the beam."""

    def put(vectors, *, tilt=FLAT, field=FIELD, keys=None, **header):
        path = tmp_path / "state.ovf"
        header = {"cell_m": (2e-9, 2e-9, 2e-9), "unit": "T", "encoding": "binary8"} | header
        path.write_bytes(ovf_bytes(np.asarray(vectors, np.float64), **header))
        stated = {"kind": "micromagnetic", "file": str(path)} | (keys or {})
        return micromagnetic_matter(SpecimenScenario.model_validate(stated), field, tilt)

    return put


def ball(direction, radius_cells=10):
    """Return a uniform ball in a cube of cells."""
    along = np.arange(2 * radius_cells + 4) - radius_cells - 1.5
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    inside = np.clip(radius_cells + 0.5 - np.sqrt(z**2 + y**2 + x**2), 0.0, 1.0)
    return inside[..., np.newaxis] * np.asarray(direction)


def test_it_is_seen_with_y_up_and_z_towards_the_eye(matter):
    # One magnetised cell at the upper right of four, (x, y, z) = (.1, .2, .3) T.
    vectors = np.zeros((1, 8, 8, 3))
    vectors[0, 6, 6] = (0.1, 0.2, 0.3)
    flat = matter(vectors)
    moment_y, moment_x = flat.moment_t_nm
    assert np.unravel_index(flat.thickness_nm.argmax(), (64, 64)) == (29, 34)
    assert moment_x.sum() == pytest.approx(0.1 * 2.0)
    assert moment_y.sum() == pytest.approx(-0.2 * 2.0)
    # Turned from y (down) towards z (away), z towards the eye comes out pointing down.
    tilted = matter(vectors, tilt=Tilt(x_deg=30.0))
    expected = -0.2 * math.cos(math.pi / 6.0) + 0.3 * math.sin(math.pi / 6.0)
    assert tilted.moment_t_nm[0].sum() == pytest.approx(expected * 2.0)


def bent_bar():
    """Return the (x, y, z) of 4 x 6 x 10 cells, which no turn or mirror leaves alike."""
    z, y, x = np.meshgrid(
        *[np.linspace(-1, 1, count) for count in (4, 6, 10)], indexing="ij"
    )
    angle = 1.5 * x + 0.8 * y - 0.5 * z
    return np.stack([np.cos(angle), np.sin(angle) * 0.8, np.sin(angle) * 0.6], axis=-1)


@pytest.mark.parametrize("tilt", [Tilt(x_deg=20.0), Tilt(y_deg=20.0)])
def test_a_state_written_with_its_axes_permuted_has_the_same_phase(matter, tilt):
    # What is along x, y, z in one file is along y, z, x in the other, seen from x.
    vectors, cell_m = bent_bar(), (1e-9, 2e-9, 4e-9)
    permuted = np.roll(vectors.transpose(1, 2, 0, 3), 1, axis=-1)
    one, other = (
        magnetic_phase(each.moment_t_nm, pixel_nm=2.0)
        for each in (
            matter(vectors, cell_m=cell_m, tilt=tilt),
            matter(
                permuted,
                cell_m=(*cell_m[1:], cell_m[0]),
                tilt=tilt,
                keys={"seen_from": "x"},
            ),
        )
    )
    np.testing.assert_allclose(other, one, atol=1e-12)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_from_behind_a_magnetic_phase_is_mirrored_and_reversed(matter, axis):
    # The same way taken backwards sums A the other way round, and the potential alike.
    front, back = (
        matter(bent_bar(), keys={"seen_from": side}) for side in (axis, f"-{axis}")
    )
    np.testing.assert_allclose(back.thickness_nm, front.thickness_nm[:, ::-1], atol=1e-12)
    one, other = (magnetic_phase(each.moment_t_nm, pixel_nm=2.0) for each in (front, back))
    np.testing.assert_allclose(other, -one[:, ::-1], atol=2e-3 * np.ptp(one))


@pytest.mark.parametrize(("cell_nm", "pixel_nm"), [(5.0, 2.0), (1.0, 3.0), (2.0, 2.0)])
def test_other_cells_than_pixels_change_neither_moment_nor_thickness(
    matter, cell_nm, pixel_nm
):
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((3, 9, 7, 3))
    cell_m = (4e-9, cell_nm * 1e-9, cell_nm * 1e-9)
    field = Field(48, 48, pixel_nm)
    for tilt in (FLAT, Tilt(y_deg=-35.0)):
        seen = matter(vectors, cell_m=cell_m, field=field, tilt=tilt)
        volume_nm3 = vectors[..., 0].size * 4.0 * cell_nm**2
        assert seen.thickness_nm.sum() * pixel_nm**2 == pytest.approx(volume_nm3, rel=1e-3)
        down = -vectors[..., 1].sum() * 4.0 * cell_nm**2
        assert seen.moment_t_nm[0].sum() * pixel_nm**2 == pytest.approx(down)


@pytest.mark.parametrize("tilt", [Tilt(x_deg=40.0), Tilt(y_deg=-25.0)])
def test_a_ball_looks_the_same_from_everywhere(matter, tilt):
    along = (0.0, -1.0, 0.0) if tilt.y_deg else (1.0, 0.0, 0.0)
    flat, tilted = (matter(ball(along), tilt=each) for each in (FLAT, tilt))
    for one, other in (
        (flat.thickness_nm, tilted.thickness_nm),
        (flat.moment_t_nm, tilted.moment_t_nm),
    ):
        assert np.abs(one - other).max() < 0.08 * np.abs(one).max()


def test_what_lies_deeper_is_seen_displaced_by_the_tilt(matter):
    # Two cells at the middle, 20 layers apart; z of the file is towards the eye.
    vectors = np.zeros((21, 3, 3, 3))
    vectors[0, 1, 1, 0], vectors[20, 1, 1, 0] = 1.0, 3.0
    rows = matter(vectors, tilt=Tilt(x_deg=30.0)).moment_t_nm[1].sum(axis=1)
    far, near = rows[:32], rows[32:]
    assert near.sum() == pytest.approx(3.0 * far.sum(), rel=1e-3)
    middle = (
        (far * np.arange(32)).sum() / far.sum(),
        (near * np.arange(32)).sum() / near.sum(),
    )
    # 20 layers of 2 nm, half of them: 20 nm x sin 30 = 10 nm up for what is farther away
    assert middle[0] - 31.5 == pytest.approx(-5.0, abs=0.05)
    assert middle[1] + 0.5 == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize(("n_layers", "layer_nm"), [(3, 8.0), (12, 2.0)])
def test_a_column_is_seen_as_wide_as_its_parallax_however_it_is_cut(
    matter, n_layers, layer_nm
):
    # One cell wide and 24 nm deep. The variances of cell (a triangle), pixel and parallax
    # (boxes) add up. Of the 12 layers, 4 are seen within half a pixel.
    cell_m = (layer_nm * 1e-9, 24e-9, 24e-9)
    field, tilt = Field(64, 64, 8.0), Tilt(y_deg=-30.0)
    seen = matter(np.ones((n_layers, 1, 1, 3)), cell_m=cell_m, field=field, tilt=tilt)
    x_nm = (np.arange(64) - 31.5) * 8.0
    along = seen.moment_t_nm[0].sum(axis=0)
    shortened_nm, parallax_nm = 24.0 * math.cos(math.pi / 6.0), 24.0 * 0.5
    expected = shortened_nm**2 / 6.0 + 8.0**2 / 12.0 + parallax_nm**2 / 12.0
    variance_nm2 = (along * x_nm**2).sum() / along.sum()
    assert variance_nm2 == pytest.approx(expected, rel=0.005)


def test_directions_need_a_saturation_and_inductions_do_not(matter):
    vectors = np.zeros((1, 4, 4, 3))
    vectors[..., 0] = 1.0
    # MuMax3 has written A/m above directions, and ubermag None where it has no unit.
    for unit in ("1", "", "A/m", "None"):
        seen = matter(vectors, unit=unit, keys={"saturation_t": 0.5})
        assert seen.moment_t_nm[1].max() == pytest.approx(0.5 * 2.0)
        with pytest.raises(ConfigError, match=r"expected specimen.saturation_t beside dir"):
            matter(vectors, unit=unit)
    in_a_per_m = 1.0 / MU_0_T_M_PER_A
    factors = {"A/m": in_a_per_m, "kA/m": 1e-3 * in_a_per_m, "mT": 1e3, "T": 1.0}
    for unit, factor in factors.items():
        seen = matter(factor * vectors, unit=unit)
        assert seen.moment_t_nm[1].max() == pytest.approx(2.0)
    with pytest.raises(ConfigError, match=r"expected no specimen.saturation_t, .* remove"):
        matter(vectors, keys={"saturation_t": 0.5})
    with pytest.raises(ConfigError, match="expected A/m, kA/m, T, mT or 1"):
        matter(vectors, unit="J/m3")
    with pytest.raises(ConfigError, match="expected a unit in the header, or vectors of"):
        matter(3.0 * vectors, unit="")


def test_a_state_without_saturation_is_as_thick_and_one_without_vectors_is_refused(matter):
    vectors = bent_bar()
    full, none = (
        matter(vectors, unit="1", keys={"saturation_t": each}) for each in (1.0, 0.0)
    )
    np.testing.assert_array_equal(none.thickness_nm, full.thickness_nm)
    assert full.moment_t_nm.any()
    assert not none.moment_t_nm.any()
    with pytest.raises(ConfigError, match="expected a magnetisation in the data, got only"):
        matter(0.0 * vectors)


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize(
    ("name", "volume_nm3", "strongest_t"),
    [
        ("mumax-bin4-linux.ovf", 500 * 125 * 3, 1.0),
        ("mumax-txt-linux.ovf", 60 * 30 * 10, 1.0),
        ("oommf-ovf1-bin4.omf", 100**3, 1.5853),
        ("skyrmion-disk.omf", 316 * 25 * 10, 1.3823),
        ("skyrmion.omf", 100 * 100 * 5, 1.3823),
    ],
)
def test_states_of_other_codes_stand_in_the_beam(name, volume_nm3, strongest_t):
    keys = {"saturation_t": 1.0} if name.startswith("mumax") else {}
    stated = {"kind": "micromagnetic", "file": str(REAL_FILES / name)} | keys
    scenario = SpecimenScenario.model_validate(stated)
    matter = micromagnetic_matter(scenario, Field(136, 136, 4.0), FLAT)
    assert matter.thickness_nm.sum() * 16.0 == pytest.approx(volume_nm3, rel=1e-3)
    thickest_nm = matter.thickness_nm.max()
    moment_t_nm = np.hypot(*matter.moment_t_nm).max()
    assert 0.3 < moment_t_nm / (strongest_t * thickest_nm) < 1.001


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs ../shared/data")
def test_a_field_that_is_no_magnetisation_is_refused():
    file = str(REAL_FILES / "ovf2-bin8_different-case.ovf")
    scenario = SpecimenScenario(kind="micromagnetic", file=file)
    with pytest.raises(ConfigError, match=r"6.49e\+06: expected a unit in the header"):
        micromagnetic_matter(scenario, FIELD, FLAT)


def test_the_phase_of_a_stored_vortex_is_that_of_a_cone(tmp_path, ovf_bytes):
    # 1 T and 10 nm of a disc of 40 cells of 4 nm, seen with pixels of 3 nm; anticlockwise.
    along = (np.arange(48) - 23.5) * 4.0
    y, x = along[:, np.newaxis], along[np.newaxis, :]
    radius = np.hypot(y, x)
    inside = np.clip(0.5 + (80.0 - radius) / 4.0, 0.0, 1.0) / radius
    vectors = np.stack([-y * inside, x * inside, 0.0 * inside], axis=-1)[np.newaxis]
    cell_m = (10e-9, 4e-9, 4e-9)
    (tmp_path / "vortex.ovf").write_bytes(ovf_bytes(vectors, cell_m=cell_m, unit="T"))
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(
        "specimen: {kind: micromagnetic, file: vortex.ovf, size_px: 96, margin_px: 0}\n"
        "microscope: {pixel_nm: 3.0}\n"
    )
    phase = Acquisition(load_scenario(scenario)).specimen.phase_rad
    at = (np.arange(96) - 47.5) * 3.0
    distance = np.hypot(at[:, np.newaxis], at[np.newaxis, :])
    # Anticlockwise on screen, where y points down, is down on the left: a maximum inside.
    cone = 10.0 * np.maximum(80.0 - distance, 0.0) / HBAR_OVER_E_T_NM2
    film = interaction_constant_rad_per_v_nm(200.0) * 20.0 * 10.0
    middle = distance < 70.0
    expected = (cone + film)[middle]
    assert np.abs(phase[middle] - expected).max() < 0.03 * cone.max()


def test_a_state_as_large_as_the_frame_is_within_it_whatever_is_rounded(matter):
    cell_m = (0.8e-9, 0.8e-9, 0.8e-9)  # 48 cells of 0.8e-9 * 1e9 nm are 38.4 nm and a bit
    matter(np.ones((1, 48, 48, 3)), cell_m=cell_m, field=Field(48, 48, 0.8))


def test_a_scenario_without_the_file_of_its_state_is_refused(tmp_path):
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text("specimen: {kind: micromagnetic}\n")
    with pytest.raises(ConfigError, match=r"specimen.file: expected the file of a state"):
        load_scenario(scenario)
