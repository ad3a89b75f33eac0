import errno
import importlib
import json
import os
import re

import numpy as np
import pytest
import tifffile
from nionswift_plugin.DM_IO.dm3_image_utils import load_image
from PIL import Image
from rsciio import digitalmicrograph, hspy, tiff

from ltemlive.errors import ConfigError, RecordingError
from ltemlive.recording.exporting import FORMATS, check_formats, write_export
from ltemlive.recording.findings import Findings, findings_of, known_maps

SHAPES = [(32, 40), (33, 17)]
LABELS = (
    "B_y t (contains the electrostatic phase)",
    "B_x t (contains the electrostatic phase)",
)
FACTS = {
    "program": "ltemlive 0.1.0",
    "series": "holes",
    "session": "2026-11-26T201207Z",
    "pixel_nm": 5.0,
    "voltage_kv": 200.0,
    "beam": "into_image",
    "method": "ad",
    "steps": 3,
}
LISTS = {
    "frames_used": ["000000.tif", "000001.tif"],
    "defocus_nm": [-1.6e6, 1.6e6],
    "frames_rejected": [["7", "torn"], ["a.tif", "dark"]],
    "versions": {"ltemlive": "0.1.0"},
    "solver": {"memory": 5},
}


@pytest.fixture(params=SHAPES)
def findings(request, make_result):
    origin = {"session": FACTS["session"]}
    result = make_result(shape=request.param, solver={"memory": 5}, origin=origin)
    return findings_of(result)


def assert_tells(facts, note=None):
    """Check the provenance that a file holds, whatever it has made of numbers."""
    for key, value in FACTS.items():
        assert type(value)(facts[key]) == value, key
    for key, value in LISTS.items():
        assert json.loads(facts[key]) == value, key
    if note:
        assert note in facts["note"]


def as_facts(lines):
    return dict(line.split(": ", 1) for line in lines.splitlines())


def export(findings, tmp_path, *formats):
    return {path.name: path for path in write_export(findings, tmp_path / "out", formats)}


def test_there_is_one_file_for_each_map_and_one_that_holds_them_all(findings, tmp_path):
    files = export(findings, tmp_path, "tif", "nxs")
    assert set(files) == {
        "phase.tif",
        "gradient.tif",
        "induction.tif",
        "amplitude.tif",
        "result.nxs",
    }
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(files)


def test_a_stem_tells_series_in_one_folder_apart(findings, tmp_path):
    paths = write_export(findings, tmp_path, ["tif"], stem="0002-holes")
    assert paths[0] == tmp_path / "0002-holes-phase.tif"


def test_imagej_finds_pixel_unit_labels_and_provenance_in_a_tiff(findings, tmp_path):
    files = export(findings, tmp_path, "tif")
    for quantity in findings.maps:
        with tifffile.TiffFile(files[f"{quantity.name}.tif"]) as file:
            assert file.asarray().tobytes() == quantity.values.tobytes()
            about = file.imagej_metadata
            x_per_nm = file.pages[0].tags["XResolution"].value
        assert about["unit"] == "nm"
        assert x_per_nm[1] / x_per_nm[0] == pytest.approx(5.0)
        labels = about["Labels"]
        assert tuple([labels] if isinstance(labels, str) else labels) == quantity.labels
        facts = as_facts(about["Info"])
        assert (facts["quantity"], facts["unit"]) == (quantity.name, quantity.unit)
        assert_tells(facts, "electrostatic" if quantity.name != "amplitude" else None)


def test_hyperspy_reads_tiffs_calibrated_with_their_provenance(findings, tmp_path):
    files = export(findings, tmp_path, "tif")
    for quantity in findings.maps:
        [signal] = tiff.file_reader(files[f"{quantity.name}.tif"])
        np.testing.assert_array_equal(signal["data"], quantity.values)
        in_plane = [axis for axis in signal["axes"] if axis["units"] == "nm"]
        assert [axis["scale"] for axis in in_plane] == pytest.approx([5.0, 5.0])
        assert signal["metadata"]["Signal"]["quantity"] == quantity.unit


def test_hyperspy_reads_its_own_files_bit_for_bit(findings, tmp_path):
    files = export(findings, tmp_path, "hspy")
    for quantity in findings.maps:
        [signal] = hspy.file_reader(str(files[f"{quantity.name}.hspy"]))
        assert signal["data"].tobytes() == quantity.values.tobytes()
        assert signal["data"].shape == quantity.values.shape
        *leading, y, x = signal["axes"]
        assert [axis["size"] for axis in leading] == list(quantity.values.shape[:-2])
        assert [(axis["scale"], axis["units"]) for axis in (y, x)] == [(5.0, "nm")] * 2
        assert [axis["navigate"] for axis in signal["axes"]][-2:] == [False, False]
        facts = signal["original_metadata"]["ltemlive"]
        assert_tells(facts)
        assert json.loads(facts["components"]) == list(quantity.labels)
        assert signal["metadata"]["General"]["title"] == f"holes {quantity.name}"
        beam = signal["metadata"]["Acquisition_instrument"]["TEM"]
        assert beam["beam_energy"] == 200.0


def test_hyperspy_and_swift_read_files_of_digitalmicrograph(findings, tmp_path):
    files = export(findings, tmp_path, "dm4")
    for quantity in findings.maps:
        path = files[f"{quantity.name}.dm4"]
        [signal] = digitalmicrograph.file_reader(str(path))
        assert signal["data"].tobytes() == quantity.values.tobytes()
        in_plane = signal["axes"][-2:]
        assert [(axis["scale"], axis["units"]) for axis in in_plane] == [(5.0, "nm")] * 2
        with path.open("rb") as file:
            image = load_image(file)
        assert image.data.tobytes() == quantity.values.tobytes()
        assert [each.scale for each in image.dimensional_calibrations[-2:]] == [5.0, 5.0]
        assert image.intensity_calibration.units == quantity.unit
        assert_tells(image.metadata["ltemlive"])
        assert image.metadata["ltemlive"]["labels"] == ", ".join(quantity.labels)
        assert image.metadata["Microscope Info"]["Voltage"] == 200e3


def test_a_pdf_holds_its_provenance_as_keywords(findings, tmp_path):
    content = export(findings, tmp_path, "pdf")["summary.pdf"].read_bytes()
    (keywords,) = re.findall(rb"/Keywords \((.*?)(?<!\\)\)", content, re.DOTALL)
    assert_tells(json.loads(re.sub(rb"\\([()\\])", rb"\1", keywords)))
    assert b"/Title (holes)" in content
    assert b"/Creator (ltemlive 0.1.0)" in content
    assert content.rstrip().endswith(b"%%EOF")


def test_there_is_a_picture_of_each_map(findings, tmp_path):
    files = export(findings, tmp_path, "png")
    assert set(files) == {f"{each.name}.png" for each in findings.maps}
    for path in files.values():
        with Image.open(path) as image:
            assert_tells(image.text)


def test_a_window_exports_what_it_has_in_memory(make_result, tmp_path):
    rng = np.random.default_rng(3)
    arrays = {
        "induction": rng.normal(size=(2, 20, 30)).astype(np.float32),
        "phase": rng.normal(size=(20, 30)).astype(np.float32),
    }
    findings = Findings(
        title="live",
        pixel_nm=2.5,
        maps=known_maps(arrays),
        report=make_result().report,
        origin={"estimate": "live, revision 12"},
    )
    paths = write_export(findings, tmp_path, FORMATS)
    assert {path.name for path in paths} == {
        "result.nxs",
        "summary.pdf",
        *(f"{name}.{kind}" for name in arrays for kind in ("tif", "png", "hspy", "dm4")),
    }
    with tifffile.TiffFile(tmp_path / "induction.tif") as file:
        assert file.asarray().tobytes() == arrays["induction"].tobytes()
        facts = as_facts(file.imagej_metadata["Info"])
    assert facts["estimate"] == "live, revision 12"
    assert "voltage_kv" not in facts


@pytest.mark.parametrize(
    ("formats", "got"), [(["tif", "jpg", "bmp"], "got jpg bmp"), ([], "got none")]
)
def test_an_unknown_format_is_answered_with_those_known(formats, got):
    with pytest.raises(ConfigError, match=got) as refused:
        check_formats(formats)
    for known in FORMATS:
        assert known in str(refused.value)


@pytest.mark.parametrize(
    ("name", "library", "extra"), [("hspy", "rsciio", "formats"), ("dm4", "nion", "dm")]
)
def test_a_missing_library_is_told_before_anything_is_written(
    make_result, tmp_path, monkeypatch, name, library, extra
):
    real = importlib.import_module

    def without(module, *rest):
        if module.startswith(library):
            raise ImportError(f"No module named {module}")
        return real(module, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    wanted = ["tif", name]
    with pytest.raises(ConfigError, match=rf"pip install 'ltemlive\[{extra}\]'") as error:
        write_export(findings_of(make_result()), tmp_path / "out", wanted)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_leaves_no_half_written_file(make_result, tmp_path, monkeypatch, name):
    def refuse(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RecordingError, match="free some space"):
        write_export(findings_of(make_result()), tmp_path, [name])
    assert list(tmp_path.iterdir()) == []
