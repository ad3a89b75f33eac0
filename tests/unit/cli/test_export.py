import importlib

import numpy as np
import pytest
import tifffile

from ltemlive.recording.export import write_results
from ltemlive.recording.exporting import FORMATS
from ltemlive.results import Reconstruction, Report, Timing
from ltemlive.series import Microscope

SHAPE = (17, 24)
MAPS = {"phase", "gradient", "induction", "amplitude"}


def result(title):
    values = np.linspace(0.0, 1.0, 17 * 24, dtype=np.float32).reshape(SHAPE)
    report = Report(
        frames_used=("a.tif", "b.tif"),
        frames_rejected=(),
        defocus_nm=(0.0, 1e6),
        noise_sigma=0.1,
        steps=1,
        gradient_evaluations=2,
        seconds=Timing(solve=1.25),
        objective=(1.0,),
        device="abacus",
        versions={"ltemlive": "0.1.0"},
        method="ad",
    )
    microscope = Microscope(voltage_kv=300.0, pixel_nm=2.0)
    return Reconstruction(values - 0.5, values + 0.5, microscope, report, title)


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "session"
    path.mkdir()
    (path / "session.yaml").write_text("settings: {solver: {memory: 7}}\n")
    return path


def finish(session, ordinal, title):
    folder = session / "series" / f"{ordinal:04d}"
    folder.mkdir(parents=True)
    write_results(folder, result(title))
    return folder


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_session_of_one_series_is_exported_into_a_folder_in_it(ltemlive, session):
    finish(session, 1, "vortex_disc")
    done = ltemlive("export", session, "--to", "tif,nxs")
    assert (done.status, done.err) == (0, "")
    assert done.out == f"5 files in {session / 'export'}\n"
    assert names(session / "export") == {"result.nxs", *(f"{name}.tif" for name in MAPS)}


def test_series_that_share_a_folder_have_their_number_and_name_in_front(ltemlive, session):
    finish(session, 1, "vortex_disc")
    finish(session, 3, "stripes / 2")
    (session / "series/0004").mkdir()
    done = ltemlive("export", session, "--to", "nxs")
    assert names(session / "export") == {
        "0001-vortex_disc-result.nxs",
        "0003-stripes_2-result.nxs",
    }
    assert "0004: not finished" in done.out
    done = ltemlive("export", session, "--to", "nxs", "--series", "3", "--out", "there")
    assert done.status == 0
    assert names(session.parent / "there") == {"0003-stripes_2-result.nxs"}


def test_any_folder_with_results_is_exported(ltemlive, tmp_path):
    write_results(tmp_path / "out", result("holes"))
    assert ltemlive("export", "out", "--to", "tif").status == 0
    for name in MAPS:
        exported = tifffile.imread(tmp_path / "out/export" / f"{name}.tif")
        written = tifffile.imread(tmp_path / "out" / f"{name}.tif")
        assert exported.tobytes() == written.tobytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gone", "--to", "tif"), "gone: no such folder"),
        (("session", "--to", "tif"), "expected a finished series, got 0"),
        ((".", "--to", "tif"), "neither session.yaml nor report.json"),
        (("session", "--to", "jpg"), f"expected formats of {' '.join(FORMATS)}, got jpg"),
        (("session", "--to", ","), "got none"),
        (("session", "--to", "tif", "--series", "first"), "expected a number, or all"),
        (("session", "--to", "tif", "--series", "2"), "no such series, only: none"),
    ],
)
def test_what_the_user_got_wrong_is_one_line_and_exit_2(
    ltemlive, session, arguments, words
):
    done = ltemlive("export", *arguments)
    assert done.status == 2
    assert words in done.err
    assert done.err.count("\n") == 1
    assert not (session / "export").exists()


def test_a_missing_extra_is_one_line_and_exit_2(ltemlive, session, monkeypatch):
    finish(session, 1, "vortex_disc")
    real = importlib.import_module

    def without(module, *rest):
        if module.startswith("nion"):
            raise ImportError(module)
        return real(module, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    done = ltemlive("export", session, "--to", "tif,dm4")
    assert done.status == 2
    assert "pip install 'ltemlive[dm]'" in done.err
    assert not (session / "export").exists()


def test_a_damaged_result_is_told_before_anything_is_written(ltemlive, session):
    finish(session, 1, "fine")
    (finish(session, 2, "torn") / "result.nxs").write_bytes(b"")
    done = ltemlive("export", session, "--to", "tif")
    assert done.status == 2
    assert "0002/result.nxs: expected a whole result" in done.err
    assert not (session / "export").exists()


def test_where_nothing_may_be_written_is_exit_2(ltemlive, session):
    finish(session, 1, "fine")
    (session / "export").write_text("")
    done = ltemlive("export", session, "--to", "tif")
    assert done.status == 2
    assert "choose a folder, not a file" in done.err
