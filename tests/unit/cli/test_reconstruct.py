import numpy as np
import pytest
import tifffile

from ltemlive.daemon import loading
from ltemlive.daemon.loading import Solver
from ltemlive.results import Reconstruction, Report, Timing

HEAD = "voltage_kv: 200\npixel_nm: 5\nframes:\n"


def reconstruct(stored, settings, *, on_progress):
    on_progress(settings.max_steps, settings.max_steps)
    report = Report(
        frames_used=stored.labels,
        frames_rejected=stored.rejected,
        defocus_nm=(0.0, 1.0),
        noise_sigma=0.1,
        steps=settings.max_steps,
        gradient_evaluations=9,
        seconds=Timing(solve=1.25),
        objective=(1.0,),
        device="abacus",
        versions={},
        method="ad",
        notes=("the beads [/] are worn",),
    )
    flat = np.zeros((16, 20), np.float32)
    return Reconstruction(flat, flat, stored.microscope, report, stored.title)


@pytest.fixture
def written(monkeypatch):
    """What a fake solver was asked to write, and where."""
    asked = []

    def write_results(folder, result):
        asked.append((str(folder), result))
        return result.report

    monkeypatch.setattr(
        loading,
        "load_solver",
        lambda threads: Solver(None, reconstruct, write_results, "abacus"),
    )
    return asked


def series(folder, *images):
    for index, image in enumerate(images):
        tifffile.imwrite(folder / f"f{index}.tif", image)
    lines = [f"  - {{file: f{i}.tif, defocus_nm: {i}}}\n" for i in range(len(images))]
    (folder / "series.yaml").write_text(HEAD + "".join(lines))


def ramp(first=0):
    return np.arange(first, 320 + first, dtype="<u2").reshape(16, 20)


def test_it_tells_what_it_used_and_what_it_did_not(ltemlive, written, tmp_path):
    series(tmp_path, ramp(), np.full((16, 20), 65535, "<u2"), ramp(5))
    outcome = ltemlive(
        "reconstruct", ".", "--out", "results", "--set", "solver.max_steps=7"
    )
    assert (outcome.status, outcome.err) == (0, "")
    ((folder, result),) = written
    assert folder == "results"
    assert result.report.seconds.load >= 0.0
    assert result.report.steps == 7
    assert result.report.solver["max_steps"] == 7
    assert outcome.out.splitlines() == [
        "not used f1.tif: frame 1: expected an image, got the constant value 65535 (blank "
        "or saturated camera)",
        "note the beads [/] are worn",
        "2 images, 7 steps, 1.2 s on abacus: results in results",
    ]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([ramp()], "series.yaml: expected at least 2 usable frames, got 1 of 1"),
        ([ramp(), np.full((16, 20), np.nan, "<f4")], "got 1 of 2 (f1.tif: frame 1: "),
        ([ramp(), ramp()[:, :-1]], "expected shape (16, 20) as most frames have"),
        ([np.zeros((16, 20), "<u2")] * 2, "got the constant value 0 (blank or saturated"),
    ],
)
def test_a_series_that_cannot_be_used_is_one_line_before_anything_is_written(
    ltemlive, written, tmp_path, images, expected
):
    series(tmp_path, *images)
    outcome = ltemlive("reconstruct", ".", "--out", "results")
    assert (outcome.status, outcome.out) == (2, "")
    assert expected in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert written == []


def test_the_camera_of_the_settings_counts_where_the_series_has_none(
    ltemlive, written, tmp_path
):
    series(tmp_path, ramp(), ramp(7))
    command = ("reconstruct", ".", "--out", "out", "--set", "microscope.camera.binning=2")
    assert ltemlive(*command).status == 0
    with (tmp_path / "series.yaml").open("a") as stream:
        stream.write("camera: {binning: 3}\n")
    assert ltemlive(*command).status == 0
    binnings = [result.microscope.camera.binning for _, result in written]
    assert binnings == [2, 3]


def test_a_list_of_pylorentz_will_do_with_voltage_and_pixel_size(
    ltemlive, written, tmp_path
):
    for index in range(3):
        tifffile.imwrite(tmp_path / f"f{index}.tif", ramp(index))
    (tmp_path / "holes.fls").write_text("3\nf0.tif\nf1.tif\nf2.tif\n2000\n")
    command = ("reconstruct", ".", "--out", "out", "--set", "microscope.voltage_kv=200")
    outcome = ltemlive(*command)
    assert outcome.status == 2
    assert "holes.fls: pixel_nm: missing; add --set microscope.pixel_nm=" in outcome.err
    assert ltemlive(*command, "--set", "microscope.pixel_nm=5").status == 0
    ((_, result),) = written
    assert result.report.frames_used == ("f0.tif", "f1.tif", "f2.tif")


def test_wrong_keys_of_the_series_are_all_told(ltemlive, written, tmp_path):
    series(tmp_path, ramp(), ramp(1))
    text = (tmp_path / "series.yaml").read_text()
    (tmp_path / "series.yaml").write_text(text.replace("pixel_nm: 5", "pixels_nm: 5"))
    outcome = ltemlive("reconstruct", ".", "--out", "results")
    assert outcome.status == 2
    missing, unknown = outcome.err.removeprefix("ltemlive: ").splitlines()
    assert missing == "series.yaml: pixel_nm: missing; add `pixel_nm: ...`"
    assert unknown.startswith("series.yaml: pixels_nm: unknown key; expected one of: ")


def test_a_folder_that_cannot_be_made_is_one_line_before_anything_is_solved(
    ltemlive, written, monkeypatch, tmp_path
):
    series(tmp_path, ramp(), ramp(1))
    monkeypatch.setattr(loading, "load_solver", None)
    outcome = ltemlive("reconstruct", ".", "--out", "f0.tif")
    assert (outcome.status, written) == (2, [])
    assert outcome.err == (
        "ltemlive: --out f0.tif: cannot be written (File exists); choose a folder, not a "
        "file\n"
    )


def test_a_series_that_is_not_there_is_one_line(ltemlive, written):
    outcome = ltemlive("reconstruct", "gone", "--out", "results")
    assert outcome.status == 2
    assert outcome.err == (
        "ltemlive: gone: no such file or folder; check the name and the share\n"
    )


def test_a_result_of_a_recorded_session_says_which(ltemlive, written, tmp_path):
    folder = tmp_path / "2026-11-26T201207Z" / "series" / "0001"
    folder.mkdir(parents=True)
    series(folder, ramp(), ramp(1))
    (folder.parent.parent / "session.yaml").write_text("started: '2026-11-26T20:12:07Z'\n")
    (folder.parent.parent / "journal.jsonl").write_text("")
    assert ltemlive("reconstruct", folder, "--out", "results").status == 0
    ((_, result),) = written
    assert result.origin["session"] == "2026-11-26T201207Z"
