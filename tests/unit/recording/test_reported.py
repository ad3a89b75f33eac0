import json
from dataclasses import replace

import numpy as np
import pytest

from ltemlive.camera import CameraSettings
from ltemlive.errors import ConfigError
from ltemlive.events import FrameDeviations
from ltemlive.recording.plain import json_text
from ltemlive.recording.reported import read_report


@pytest.fixture
def report(make_result):
    return make_result(
        camera=CameraSettings(binning=2),
        deviations=FrameDeviations(defocus_nm=(None, 8e3), shift_px=((0.1, 0.2),) * 2),
        holdout=(1.0, 2.5),
        solver={"method": "ad", "memory": 5},
        truth={"phase": 0.99},
        convergence_mrad=0.012,
    ).report


def test_a_report_comes_back_as_it_was(tmp_path, report):
    (tmp_path / "r.json").write_text(json_text(report.as_document()))
    assert read_report(tmp_path / "r.json") == report


def test_a_report_with_less_and_with_more_is_read(tmp_path, report):
    document = json.loads(json_text(report.as_document()))
    document["mood"] = ["bright"]
    document["deviations"]["mood"] = None
    for key in ("solver", "holdout", "camera", "truth", "notes"):
        del document[key]
    (tmp_path / "r.json").write_text(json.dumps(document))
    read = read_report(tmp_path / "r.json")
    assert read == replace(
        report, solver=None, holdout=None, camera=None, truth=None, notes=()
    )


def test_what_was_not_finite_is_not_a_number(tmp_path, report):
    diverged = replace(report, objective=(1.0, float("inf")))
    (tmp_path / "r.json").write_text(json_text(diverged.as_document()))
    np.testing.assert_array_equal(read_report(tmp_path / "r.json").objective, [1.0, np.nan])


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"frames_rejected": [{}]}'])
def test_what_is_no_report_is_told_in_one_line(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(ConfigError, match="expected the report of a reconstruction"):
        read_report(tmp_path / "r.json")
    with pytest.raises(ConfigError, match="No such file"):
        read_report(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("versions", None),
        ("device", ["CPU"]),
        ("method", {}),
        ("shift_px", [[1.0]]),
        ("holdout", [1.0]),
        ("rotation_deg", None),
        ("deviations", {"rotation_deg": [0.1]}),
        ("notes", None),
        ("truth", "good"),
        ("solver", ["ad"]),
        ("uncertainty", {"phase_rad": 1.0}),
    ],
)
def test_a_key_that_was_edited_is_named(tmp_path, report, key, value):
    document = json.loads(json_text(report.as_document()))
    document[key] = value
    (tmp_path / "r.json").write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=key) as raised:
        read_report(tmp_path / "r.json")
    assert "\n" not in str(raised.value)


def test_a_report_too_deep_to_read_is_told(tmp_path):
    (tmp_path / "r.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="expected the report"):
        read_report(tmp_path / "r.json")
