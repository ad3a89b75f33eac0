import json

import pytest

from ltemlive.errors import ConfigError
from ltemlive.recording.export import write_results
from ltemlive.recording.finished import file_stem, finished_series, read_findings

SESSION = """
started: '2026-11-26T20:12:07Z'
versions: {ltemlive: 0.1.0}
settings: {solver: {method: ad, memory: 7}}
"""


@pytest.fixture
def session(tmp_path, make_result):
    """Return a session whose second series is not finished."""
    path = tmp_path / "2026-11-26T201207Z"
    for ordinal in (1, 2, 3):
        (path / "series" / f"{ordinal:04d}").mkdir(parents=True)
    (path / "session.yaml").write_text(SESSION)
    write_results(path / "series/0001", make_result(title="first"))
    write_results(path / "series/0003", make_result(title="third", shape=(17, 33)))
    return path


def names(found):
    return [folder.name for folder in found.folders]


def test_all_finished_series_of_a_session_are_found_and_the_others_told(session):
    found = finished_series(session)
    assert names(found) == ["0001", "0003"]
    assert [folder.name for folder in found.unfinished] == ["0002"]
    assert found.share_a_folder


def test_one_series_may_be_asked_for(session):
    assert names(finished_series(session, 3)) == ["0003"]
    assert finished_series(session, 3).share_a_folder
    assert names(finished_series(session / "series/0003")) == ["0003"]
    assert not finished_series(session / "series/0003").share_a_folder


@pytest.mark.parametrize(
    ("where", "ordinal", "words"),
    [
        ("", 7, "no such series, only: 1 2 3"),
        ("", 2, "expected series 2 to be finished"),
        ("gone", None, "no such folder"),
        ("series", None, "neither session.yaml nor report.json"),
        ("series/0001", 1, "expected a session folder"),
    ],
)
def test_what_cannot_be_exported_is_told(session, where, ordinal, words):
    with pytest.raises(ConfigError, match=words):
        finished_series(session / where, ordinal)


def test_a_result_of_a_session_knows_where_it_comes_from(session, make_result):
    findings = read_findings(session / "series/0001")
    assert findings.origin == {
        "estimate": "final",
        "session": session.name,
        "series_folder": "0001",
        "session_started": "2026-11-26T20:12:07Z",
    }
    assert findings.report.solver == {"method": "ad", "memory": 7}
    assert findings.title == "first"
    phase = make_result().phase_rad
    assert findings.map("phase").values.tobytes() == phase.tobytes()


def test_a_copied_result_still_knows_its_session(session, tmp_path):
    copy = tmp_path / "home"
    (session / "series/0003").rename(copy)
    assert read_findings(copy).origin["session"] == session.name


def test_a_result_that_knows_its_origin_keeps_it(session, make_result):
    folder = session / "series/0002"
    write_results(folder, make_result(origin={"session": "another"}, solver={"memory": 9}))
    findings = read_findings(folder)
    assert findings.origin == {"session": "another"}
    assert findings.report.solver == {"memory": 9}


def test_the_report_beside_is_believed_where_it_has_more(session):
    path = session / "series/0001/report.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"truth": {"phase": 0.5}}))
    assert read_findings(path.parent).report.truth == {"phase": 0.5}


def test_results_need_no_session_that_can_be_read(session, make_result):
    (session / "session.yaml").write_text("{")
    report = write_results(session / "series/0002", make_result())
    assert report.solver is None
    assert read_findings(session / "series/0002").origin["session"] == session.name


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("vortex_disc", "0001-vortex_disc"),
        ("../a b/c", "0001-a_b_c"),
        ("...", "0001"),
        ("x" * 500, "0001-" + "x" * 60),
    ],
)
def test_a_title_becomes_part_of_a_file_name(session, title, stem):
    assert file_stem(session / "series/0001", title) == stem
