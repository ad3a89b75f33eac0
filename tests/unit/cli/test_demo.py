"""Which folders the demo takes, before any process is started."""

import pytest

from ltemlive.cli import processes, showcase


@pytest.fixture
def started(monkeypatch):
    """Stop the demo where it would begin, and tell whether it came so far."""
    begun = []

    def begin(scenario):
        begun.append(scenario.seed)
        raise KeyboardInterrupt

    monkeypatch.setattr(showcase, "Acquisition", begin)
    return begun


def session(folder):
    folder.mkdir(parents=True)
    (folder / "session.yaml").write_text("started: '2026-11-23T03:03:38Z'\n")


def test_an_earlier_demo_is_replaced(ltemlive, started, tmp_path):
    session(tmp_path / "out" / "session")
    (tmp_path / "out" / "report.json").write_text("{}")
    assert ltemlive("demo", "--headless", "--out", "out").status == 130
    assert started == [1]
    assert list((tmp_path / "out").iterdir()) == []


def test_after_a_demo_that_was_broken_off_another_can_begin(ltemlive, started, tmp_path):
    broken_off = tmp_path / "out" / "2026-11-23T030338Z"
    session(broken_off)
    assert ltemlive("demo", "--headless", "--out", "out").status == 130
    assert started == [1]
    assert (broken_off / "session.yaml").is_file()


def test_the_session_of_a_demo_that_was_broken_off_does_not_go_on(tmp_path, monkeypatch):
    commands = []

    def begin(*arguments, **_):
        commands.append(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes, "child", begin)
    with pytest.raises(KeyboardInterrupt):
        showcase.run_showcase(tmp_path, seed=1, wants_window=False)
    assert "--new-session" in commands[0]


@pytest.mark.parametrize("out", ["foreign", "foreign/thesis.tex", "foreign/thesis.tex/out"])
def test_what_is_no_folder_of_a_demo_is_one_line(ltemlive, started, tmp_path, out):
    session(tmp_path / "foreign" / "2026-11-23T030338Z")
    (tmp_path / "foreign" / "thesis.tex").write_text("all of it")
    outcome = ltemlive("demo", "--headless", "--out", out)
    assert (outcome.status, outcome.out, started) == (2, "", [])
    assert outcome.err.startswith(f"ltemlive: --out {out}: ")
    assert len(outcome.err.splitlines()) == 1
    assert len(list((tmp_path / "foreign").iterdir())) == 2


def test_results_of_a_reconstruction_are_no_earlier_demo(ltemlive, started, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "phase.tif").write_text("precious")
    assert ltemlive("demo", "--headless", "--out", "out").status == 2
    assert (tmp_path / "out" / "phase.tif").read_text() == "precious"
