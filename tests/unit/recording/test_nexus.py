import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from rsciio.nexus import file_reader

from ltemlive.errors import ConfigError, RecordingError
from ltemlive.physics.induction import projected_induction
from ltemlive.recording.findings import QuantityMap, findings_of
from ltemlive.recording.nexus import read_nexus, write_nexus


@pytest.fixture
def result(make_result):
    return make_result()


@pytest.fixture
def path(tmp_path, result):
    write_nexus(tmp_path / "result.nxs", findings_of(result))
    return tmp_path / "result.nxs"


def test_following_the_defaults_leads_to_the_phase(path, result):
    with h5py.File(path) as file:
        entry = file[file.attrs["default"]]
        data = entry[entry.attrs["default"]]
        assert (entry.attrs["NX_class"], data.attrs["NX_class"]) == ("NXentry", "NXdata")
        signal = data[data.attrs["signal"]]
        np.testing.assert_array_equal(signal[()], result.phase_rad)
        assert signal.attrs["units"] == "rad"


@pytest.mark.parametrize(
    ("name", "unit"),
    [("phase", "rad"), ("amplitude", "1"), ("gradient", "rad/nm"), ("induction", "T nm")],
)
def test_every_quantity_has_units_and_axes_in_nm(path, result, name, unit):
    ny, nx = result.phase_rad.shape
    with h5py.File(path) as file:
        data = file["entry"][name]
        assert list(data.attrs["axes"]) == ["y", "x"]
        np.testing.assert_allclose(data["y"][()], 5.0 * np.arange(ny))
        np.testing.assert_allclose(data["x"][()], 5.0 * np.arange(nx))
        assert data["y"].attrs["units"] == data["x"].attrs["units"] == "nm"
        assert (data.attrs["y_indices"], data.attrs["x_indices"]) == (0, 1)
        signals = [data.attrs["signal"], *data.attrs.get("auxiliary_signals", [])]
        for signal in signals:
            assert data[signal].shape == (ny, nx)
            assert data[signal].attrs["units"] == unit


def test_the_components_of_the_induction_are_told_apart(path, result):
    along_y, along_x = projected_induction(result.phase_rad, pixel_nm=5.0)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["entry/induction/induction_y"][()], along_y)
        np.testing.assert_array_equal(file["entry/induction/induction_x"][()], along_x)


def test_report_and_microscope_stand_beside_the_data(path):
    with h5py.File(path) as file:
        entry = file["entry"]
        assert json.loads(entry["report"][()])["steps"] == 3
        assert entry["title"][()] == b"holes"
        assert entry["microscope/voltage_kv"][()] == 200.0
        assert entry["microscope/voltage_kv"].attrs["units"] == "kV"


def test_hyperspy_reads_the_phase_with_its_pixel(path, result):
    signals = file_reader(str(path))
    shapes = {signal["data"].shape for signal in signals}
    assert result.phase_rad.shape in shapes
    axes = [axis for signal in signals for axis in signal["axes"]]
    assert {axis["units"] for axis in axes} == {"nm"}
    assert {float(axis["scale"]) for axis in axes} == {5.0}


def test_the_settings_of_the_solver_stand_in_the_process(tmp_path, make_result):
    result = make_result(solver={"method": "ad", "max_steps": 600, "align": True})
    write_nexus(tmp_path / "r.nxs", findings_of(result))
    with h5py.File(tmp_path / "r.nxs") as file:
        process = file["entry/process"]
        assert process.attrs["NX_class"] == "NXprocess"
        assert process["solver/max_steps"][()] == 600
        assert json.loads(process["provenance"][()])["program"] == "ltemlive 0.1.0"


@pytest.mark.parametrize("shape", [(17, 40), (33, 16)])
def test_what_is_read_back_is_what_was_written_bit_for_bit(tmp_path, make_result, shape):
    written = findings_of(make_result(shape=shape, origin={"session": "s"}))
    written.map("phase").values[1, 1] = np.nan
    write_nexus(tmp_path / "r.nxs", written)
    read = read_nexus(tmp_path / "r.nxs", written.report)
    assert [each.name for each in read.maps] == [each.name for each in written.maps]
    for one, other in zip(read.maps, written.maps, strict=True):
        assert one.values.tobytes() == other.values.tobytes()
        assert one.values.shape == other.values.shape
        assert (one.unit, one.labels) == (other.unit, other.labels)
    for name in ("title", "pixel_nm", "microscope", "origin", "report"):
        assert getattr(read, name) == getattr(written, name)


def test_a_file_of_an_earlier_version_is_read_too(path, result):
    with h5py.File(path, "a") as file:
        del file["entry/process"]
        for signal in ("induction_y", "induction_x"):
            del file["entry/induction"][signal].attrs["long_name"]
    read = read_nexus(path, result.report)
    assert read.origin == {}
    assert read.map("induction").labels == ("induction_y", "induction_x")


def test_a_file_cut_short_is_an_error_that_says_what_to_do(path, result):
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ConfigError, match="make it again with `ltemlive reconstruct`"):
        read_nexus(path, result.report)
    path.unlink()
    with pytest.raises(ConfigError, match=r"result\.nxs: expected a whole result"):
        read_nexus(path, result.report)


def test_maps_of_any_name_come_back(tmp_path, make_result):
    findings = findings_of(make_result())
    values = np.arange(2 * 32 * 40, dtype=np.float32).reshape(2, 32, 40)
    others = (
        QuantityMap("doubt", values[0], "rad", ("standard deviation",)),
        QuantityMap("drift", values, "nm", ("along y", "along x")),
    )
    path = tmp_path / "r.nxs"
    write_nexus(path, replace(findings, maps=findings.maps + others))
    read = read_nexus(path, findings.report)
    for other in others:
        again = read.map(other.name)
        np.testing.assert_array_equal(again.values, other.values)
        assert (again.unit, again.labels) == (other.unit, other.labels)
    assert {each.name for each in others} == {each.name for each in read.maps[4:]}


def test_lens_tables_and_what_is_not_stated_come_back(tmp_path, make_result):
    findings = findings_of(make_result())
    microscope = findings.microscope.model_copy(
        update={"lens_table": ((0.0, -1e6), (1.0, 1e6)), "beam": "out_of_image"}
    )
    path = tmp_path / "r.nxs"
    write_nexus(path, replace(findings, microscope=microscope))
    assert read_nexus(path, findings.report).microscope == microscope


def test_a_map_that_is_not_there_is_told_with_those_that_are(make_result):
    with pytest.raises(RecordingError, match="got: phase gradient induction amplitude"):
        findings_of(make_result()).map("doubt")


@pytest.mark.parametrize("shape", [(4,), (0, 4), (3, 4)])
def test_maps_of_other_shapes_than_the_others_are_no_result(path, result, shape):
    with h5py.File(path, "r+") as file:
        told = dict(file["entry/phase/phase"].attrs)
        del file["entry/phase/phase"]
        file["entry/phase/phase"] = np.zeros(shape, np.float32)
        file["entry/phase/phase"].attrs.update(told)
    with pytest.raises(ConfigError, match="expected maps of one shape"):
        read_nexus(path, result.report)


def test_a_file_without_a_map_is_no_result(path, result):
    with h5py.File(path, "r+") as file:
        for name in ("phase", "gradient", "induction", "amplitude"):
            del file["entry"][name]
    with pytest.raises(ConfigError, match="expected maps of one shape"):
        read_nexus(path, result.report)
