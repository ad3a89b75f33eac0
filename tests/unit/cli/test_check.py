import pytest

from ltemlive import documents
from ltemlive.settings import Settings


def test_the_resolved_settings_are_printed_as_settings_again(ltemlive, tmp_path):
    (tmp_path / "column.yaml").write_text("input: {settle_ms: 400}\n")
    outcome = ltemlive(
        "check", "column.yaml", "--set", "solver.threads=1", "--set", "session.root=/data"
    )
    assert (outcome.status, outcome.err) == (0, "")
    printed = documents.parse(outcome.out, where="stdout")
    assert printed["input"]["settle_ms"] == 400
    assert printed["solver"]["threads"] == 1
    assert printed["session"]["root"] == "/data"
    assert printed["output"] == Settings().as_document()["output"]
    (tmp_path / "printed.yaml").write_text(outcome.out)
    assert ltemlive("check", "printed.yaml").out == outcome.out


def test_the_environment_counts(ltemlive, monkeypatch):
    monkeypatch.setenv("LTEMLIVE_SESSION__ROOT", "/data/2026")
    printed = documents.parse(ltemlive("check").out, where="stdout")
    assert printed["session"]["root"] == "/data/2026"


def test_every_error_is_told_at_once_each_on_its_line(ltemlive, tmp_path):
    (tmp_path / "column.yaml").write_text(
        "input: {settle: 400}\nsolver: {threads: none, tv_strength: -1}\noutptu: {}\n"
    )
    outcome = ltemlive("check", "column.yaml", "--set", "microscope.voltage_kv=2")
    assert (outcome.status, outcome.out) == (2, "")
    lines = outcome.err.removeprefix("ltemlive: ").splitlines()
    for expected in (
        "column.yaml: input.settle: unknown key; expected one of: zmq, ",
        "column.yaml: solver.threads: expected ",
        "column.yaml: solver.tv_strength: expected greater than or equal to 0, got -1",
        "column.yaml: outptu: unknown key; expected one of: session, ",
        "--set microscope.voltage_kv: microscope.voltage_kv: expected ",
    ):
        assert sum(line.startswith(expected) for line in lines) == 1, outcome.err
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("gone.yaml",), "gone.yaml: expected a readable YAML file, got: No such file"),
        (("torn.yaml",), "torn.yaml line 2: expected YAML, got: "),
        (("list.yaml",), "list.yaml: expected keys and values (key: value), got list"),
        (("--set", "solver.threads"), "--set solver.threads: expected section.key=value"),
        (("--set", "solver.memory=0"), "--set solver.memory: solver.memory: expected "),
        (
            ("--set", "input.file_pattern='(?P<seq>'"),
            "--set input.file_pattern: input.file_pattern: expected a regular expression",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_what_is_no_settings_is_one_line(ltemlive, tmp_path, command, arguments, expected):
    (tmp_path / "torn.yaml").write_text("input: {settle_ms: 400\n")
    (tmp_path / "list.yaml").write_text("- input\n")
    outcome = ltemlive(command, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"ltemlive: {expected}")
    assert len(outcome.err.splitlines()) == 1


def test_references_of_the_camera_are_looked_at(ltemlive, tmp_path):
    (tmp_path / "column.yaml").write_text(
        "microscope: {camera: {dark: dark.tif, gain: gain.mrc}}\n"
    )
    outcome = ltemlive("check", "column.yaml")
    assert (outcome.status, outcome.out) == (2, "")
    first, second = outcome.err.removeprefix("ltemlive: ").splitlines()
    assert first.startswith("microscope: camera.dark: dark.tif: no such file")
    assert second.startswith("microscope: camera.gain: gain.mrc: no such file")
