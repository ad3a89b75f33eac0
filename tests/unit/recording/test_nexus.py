import json

import h5py
import numpy as np
import pytest
from rsciio.nexus import file_reader

from ltemlive.physics.induction import projected_induction
from ltemlive.recording.nexus import write_nexus


@pytest.fixture
def result(make_result):
    return make_result()


@pytest.fixture
def path(tmp_path, result):
    write_nexus(tmp_path / "result.nxs", result, report_json='{"steps": 3}')
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
        assert json.loads(entry["report"][()]) == {"steps": 3}
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
