import errno
import json
import os
from dataclasses import replace

import h5py
import numpy as np
import pytest
import tifffile
from rsciio.tiff import file_reader

from ltemlive.errors import RecordingError
from ltemlive.events import FrameDeviations, PhaseSigmas
from ltemlive.formats.images import read_image
from ltemlive.physics.induction import phase_gradient, projected_induction
from ltemlive.recording.export import write_results
from ltemlive.recording.finished import read_findings

RESULT_FILES = {
    "phase.tif",
    "gradient.tif",
    "induction.tif",
    "amplitude.tif",
    "result.nxs",
    "summary.png",
    "report.json",
}
REPORT_KEYS = {
    "frames_used",
    "frames_rejected",
    "defocus_nm",
    "shift_px",
    "rotation_deg",
    "magnification",
    "noise_sigma",
    "steps",
    "gradient_evaluations",
    "seconds",
    "objective",
    "holdout",
    "uncertainty",
    "device",
    "versions",
}


class FakeClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.5
        return self.now


@pytest.fixture
def result(make_result):
    return make_result()


@pytest.fixture
def folder(tmp_path, result):
    write_results(tmp_path / "new" / "out", result, clock=FakeClock())
    return tmp_path / "new" / "out"


def refuse(_number):
    raise AssertionError("JSON holds no NaN")


def test_exactly_the_promised_files_are_written(folder):
    assert {path.name for path in folder.iterdir()} == RESULT_FILES


def test_the_phase_is_on_the_grid_of_the_frames_in_radians(folder, result):
    np.testing.assert_array_equal(read_image(folder / "phase.tif"), result.phase_rad)
    signal = file_reader(folder / "phase.tif")[0]
    assert signal["metadata"]["Signal"]["quantity"] == "rad"
    assert [axis["units"] for axis in signal["axes"]] == ["nm", "nm"]
    assert [axis["scale"] for axis in signal["axes"]] == pytest.approx([5.0, 5.0])


@pytest.mark.parametrize(
    ("name", "function", "unit", "labels"),
    [
        ("gradient.tif", phase_gradient, "rad/nm", ["d/dy", "d/dx"]),
        (
            "induction.tif",
            projected_induction,
            "T nm",
            [
                "B_y t (contains the electrostatic phase)",
                "B_x t (contains the electrostatic phase)",
            ],
        ),
    ],
)
def test_vectors_are_two_labelled_pages_y_first(
    folder, result, name, function, unit, labels
):
    with tifffile.TiffFile(folder / name) as tiff:
        pages = tiff.asarray()
        assert tiff.imagej_metadata["Labels"] == labels
        assert tiff.imagej_metadata["vunit"] == unit
    assert pages.dtype == np.float32
    np.testing.assert_array_equal(pages, function(result.phase_rad, pixel_nm=5.0))


def test_the_report_has_every_promised_key(folder):
    report = json.loads((folder / "report.json").read_text(), parse_constant=refuse)
    assert set(report) >= REPORT_KEYS
    assert report["frames_used"] == ["000000.tif", "000001.tif"]
    assert report["frames_rejected"] == [
        {"seq": 7, "reason": "torn"},
        {"file": "a.tif", "reason": "dark"},
    ]
    assert report["shift_px"] == [[0.0, 0.0], [1.25, -0.5]]
    assert report["holdout"] is None
    assert report["seconds"] == {
        "load": 0.1,
        "register": None,
        "solve": 2.0,
        "export": 1.5,
    }


def test_the_report_comes_back_as_it_was_written(tmp_path, result):
    report = write_results(tmp_path, result, clock=FakeClock())
    assert report.seconds.export == 1.5
    assert report.as_document()["steps"] == 3


def test_what_is_not_finite_becomes_null(tmp_path, make_result):
    write_results(
        tmp_path, make_result(objective=(float("nan"), 2.0), noise_sigma=float("inf"))
    )
    report = json.loads((tmp_path / "report.json").read_text(), parse_constant=refuse)
    assert report["objective"] == [None, 2.0]
    assert report["noise_sigma"] is None


def test_a_report_never_stands_beside_results_that_are_not_its_own(
    tmp_path, result, monkeypatch
):
    write_results(tmp_path, result)
    before = (tmp_path / "phase.tif").read_bytes()

    def refuse_to_sync(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse_to_sync)
    with pytest.raises(RecordingError, match="free some space"):
        write_results(tmp_path, result)
    assert {path.name for path in tmp_path.iterdir()} == RESULT_FILES - {"report.json"}
    assert (tmp_path / "phase.tif").read_bytes() == before


def test_a_folder_that_is_a_file_is_an_error_with_a_remedy(tmp_path, result):
    (tmp_path / "out").write_text("")
    with pytest.raises(RecordingError, match="choose a folder, not a file"):
        write_results(tmp_path / "out", result)


def test_in_a_mirrored_image_the_induction_has_the_other_sign(tmp_path, folder, result):
    mirrored = result.microscope.model_copy(update={"beam": "out_of_image"})
    there = tmp_path / "mirrored"
    write_results(there, replace(result, microscope=mirrored), clock=FakeClock())
    for page in range(2):
        one, other = (
            read_image(each / "induction.tif", page=page) for each in (folder, there)
        )
        np.testing.assert_array_equal(one, -other)
        assert np.ptp(one) > 0.0
    with h5py.File(folder / "result.nxs") as one, h5py.File(there / "result.nxs") as other:
        for name in ("induction_y", "induction_x"):
            path = f"entry/induction/{name}"
            np.testing.assert_array_equal(one[path][()], -other[path][()])
        assert other["entry/microscope/beam"][()] == b"out_of_image"


def test_the_report_names_what_each_deviation_is_of(tmp_path, make_result):
    known = FrameDeviations(defocus_nm=(None, 8e3), convergence_mrad=1e-4)
    write_results(tmp_path, make_result(deviations=known), clock=FakeClock())
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["deviations"]["defocus_nm"] == [None, 8e3]
    assert report["deviations"]["convergence_mrad"] == 1e-4
    assert report["deviations"]["shift_px"] is None


def test_a_result_that_knows_how_sure_it_is_says_it_in_every_file(tmp_path, make_result):
    sigma = np.full((32, 40), 0.05, np.float32)
    known = PhaseSigmas(0.05, 0.002, 1.3)
    result = make_result(uncertainty=known, phase_sigma_rad=sigma)
    write_results(tmp_path, result, clock=FakeClock())
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["uncertainty"] == {
        "phase_rad": 0.05,
        "gradient_rad_per_nm": 0.002,
        "induction_t_nm": 1.3,
    }
    np.testing.assert_array_equal(read_image(tmp_path / "uncertainty.tif"), sigma)
    with h5py.File(tmp_path / "result.nxs") as file:
        errors = file["entry/phase/phase_errors"]
        np.testing.assert_array_equal(errors, sigma)
        assert errors.attrs["units"] == "rad"
    findings = read_findings(tmp_path)
    assert findings.report.uncertainty == known
    np.testing.assert_array_equal(findings.map("uncertainty").values, sigma)
    write_results(tmp_path, make_result(), clock=FakeClock())
    assert not (tmp_path / "uncertainty.tif").exists()
