import signal

import pytest

PORTS = tuple(
    part
    for name in ("input.zmq", "output.results", "output.control")
    for part in ("--set", f"{name}=tcp://127.0.0.1:0")
)


@pytest.fixture(autouse=True)
def signals_as_they_were():
    """Put back what `run` does with signals."""
    before = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield
    for number, action in before.items():
        signal.signal(number, action)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("input.folder=gone", "input.folder: expected a folder, got gone; make it"),
        (
            "output.results=tcp://10.0.0.1:5572",
            "--set output.results: output.results: expected a loopback",
        ),
        ("input.zmq=ipc:///tmp/frames", "--set input.zmq: input.zmq: expected a loopback"),
    ],
)
def test_an_input_that_cannot_be_opened_leaves_no_session(
    ltemlive, tmp_path, setting, expected
):
    outcome = ltemlive("run", *PORTS, "--set", setting)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"ltemlive: {expected}")
    assert len(outcome.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_session_root_that_is_a_file_is_the_disk_refusing(ltemlive, tmp_path):
    (tmp_path / "file").touch()
    outcome = ltemlive("run", *PORTS, "--set", "session.root=file")
    assert (outcome.status, outcome.out) == (1, "")
    assert "choose a folder, not a file" in outcome.err
    assert len(outcome.err.splitlines()) == 1
