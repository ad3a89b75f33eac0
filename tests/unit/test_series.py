import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.errors import ConfigError
from ltemlive.series import Microscope, Optics, load_series_description

DOCUMENTED = """\
voltage_kv: 200
pixel_nm: 5.0
spherical_aberration_nm: 0
convergence_mrad: 0.01
defocus_spread_nm: 0
astigmatism_nm: 0
astigmatism_deg: 0
coherence: intensity
detector_mtf: 1
border: free
frames:
  - {file: f000.tif, defocus_nm: -1600000}
  - {file: f001.tif, defocus_nm: 0, page: 3, exposure_s: 0.5, seq: 7}
"""


@pytest.fixture
def described(tmp_path):
    path = tmp_path / "series.yaml"

    def write(text):
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_documented_example_is_read(described):
    description = load_series_description(described(DOCUMENTED))
    first, second = description.frames
    assert (first.file, first.defocus_nm, first.page, first.seq) == (
        "f000.tif",
        -1.6e6,
        0,
        None,
    )
    assert (second.page, second.exposure_s, second.seq) == (3, 0.5, 7)


def test_the_documented_values_are_the_defaults(described):
    spelt = load_series_description(described(DOCUMENTED)).microscope()
    short = load_series_description(described("voltage_kv: 200\npixel_nm: 5\n"))
    assert short.microscope() == spelt
    assert short.frames == ()
    assert isinstance(spelt, Microscope)


def test_a_lorentz_lens_may_have_metres_of_spherical_aberration(described):
    path = described("voltage_kv: 300\npixel_nm: 1\nspherical_aberration_nm: 8e+9")
    assert load_series_description(path).spherical_aberration_nm == 8e9


def test_without_voltage_or_pixel_nothing_can_be_calculated(described):
    with pytest.raises(ConfigError) as refusal:
        load_series_description(described("frames: []"))
    text = str(refusal.value)
    assert "voltage_kv: missing" in text
    assert "pixel_nm: missing" in text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("defocus: 5", "defocus: unknown key"),
        ("coherence: partial", "coherence: expected 'intensity' or 'wave', got 'partial'"),
        ("border: mirror", "border: expected 'free' or 'periodic'"),
        ("detector_mtf: 60", "detector_mtf: expected less than or equal to 1, got 60"),
        ("detector_mtf: 0", "detector_mtf: expected greater than or equal to 0.05, got 0"),
        ("convergence_mrad: -1", "convergence_mrad: expected greater than or equal to 0"),
        ("frames: [{defocus_nm: 0}]", "frames.0.file: missing"),
        ("frames: [{file: a, defocus_um: 0}]", "frames.0.defocus_um: unknown key"),
        ("frames: [{file: a, defocus_nm: .nan}]", "frames.0.defocus_nm: expected"),
        ("frames: [{file: a, seq: -1}]", "frames.0.seq: expected"),
        ("frames: {file: a}", "frames: expected"),
    ],
)
def test_a_wrong_value_is_told_with_its_key(described, line, told):
    path = described(f"voltage_kv: 200\npixel_nm: 5\n{line}\n")
    with pytest.raises(ConfigError) as refusal:
        load_series_description(path)
    (only,) = str(refusal.value).splitlines()
    assert only.startswith(f"{path}: {told}")


@pytest.mark.parametrize("line", ["voltage_kv: 200000", "voltage_kv: 0.2"])
def test_a_voltage_in_the_wrong_unit_is_noticed(described, line):
    with pytest.raises(ConfigError, match="voltage_kv: expected"):
        load_series_description(described(f"{line}\npixel_nm: 5\n"))


# Defocus by the value of the lens

TABLE = ((2800.0, 1.6e6), (2000.0, -1.6e6), (2400.0, 0.0))


@given(st.floats(2000.0, 2800.0))
def test_between_the_values_of_a_lens_table_defocus_is_a_straight_line(lens_value):
    optics = Optics(lens_table=TABLE)
    assert optics.lens_table == tuple(sorted(TABLE))
    expected_nm = (lens_value - 2400.0) * 4000.0
    assert optics.defocus_of_lens(lens_value) == pytest.approx(expected_nm, abs=1e-3)


@pytest.mark.parametrize(
    ("table", "lens_value", "reason"),
    [
        ((), 2400.0, "no lens_table says its defocus; add one, or defocus_nm"),
        (TABLE, 1999.0, "lens_table goes from 2000 to 2800; add where 1999 is to it"),
    ],
)
def test_beyond_a_lens_table_nobody_knows_the_defocus(table, lens_value, reason):
    with pytest.raises(ValueError, match=f"^{reason}$"):
        Optics(lens_table=table).defocus_of_lens(lens_value)


@pytest.mark.parametrize("table", ["[[1.0, 2.0]]", "[[1.0, 2.0], [1.0, 3.0]]", "[3.0]"])
def test_a_lens_table_that_is_none_is_named(tmp_path, table):
    path = tmp_path / "series.yaml"
    path.write_text(f"voltage_kv: 200\npixel_nm: 5\nlens_table: {table}\n")
    with pytest.raises(ConfigError, match=r"series.yaml: lens_table"):
        load_series_description(path)
