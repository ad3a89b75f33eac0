import json
import subprocess
import sys

import pytest

COMMANDS = (
    "demo", "run", "dashboard", "simulate", "replay", "reconstruct", "export", "check",
    "doctor",
)  # fmt: skip

HEAVY = ("tensorflow", "PySide6", "pyqtgraph", "matplotlib", "scipy", "skimage", "h5py")

_HELP_FOR_ALL = """
import contextlib, io, json, sys
from ltemlive.cli import main

told = {}
for command in json.loads(sys.argv[1]):
    sys.argv = ["ltemlive", *command, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.suppress(SystemExit):
            main()
    told[" ".join(command)] = out.getvalue()
print(json.dumps({"told": told, "modules": list(sys.modules)}))
"""


@pytest.fixture(scope="module")
def helped():
    """What every --help says, and what was imported for it, in a process of its own."""
    commands = [[], *([command] for command in COMMANDS)]
    done = subprocess.run(
        [sys.executable, "-c", _HELP_FOR_ALL, json.dumps(commands)],
        capture_output=True,
        text=True,
        timeout=50.0,
        check=True,
    )
    return json.loads(done.stdout)


def test_help_imports_nothing_heavy(helped):
    roots = {name.partition(".")[0] for name in helped["modules"]}
    assert "typer" in roots
    assert roots.isdisjoint(HEAVY)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_listed_and_explains_itself(helped, command):
    assert command in helped["told"][""]
    assert f"Usage: ltemlive {command}" in helped["told"][command]


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "--to", "nowhere", "x"),
        ("check", "gone.yaml"),
        ("replay", "."),
        ("reconstruct", ".", "--out", "results"),
    ],
)
def test_what_can_be_refused_at_once_waits_for_nothing_heavy(tmp_path, arguments):
    code = (
        "import sys; from ltemlive.cli import main\n"
        "try: main()\n"
        "except SystemExit as end:\n"
        "    heavy = {'tensorflow', 'PySide6', 'matplotlib'} & set(sys.modules)\n"
        "    sys.exit(f'imported {heavy}' if heavy else end.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=50.0,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("ltemlive: ")


def test_without_a_command_it_shows_the_help(ltemlive):
    outcome = ltemlive()
    assert outcome.status == 2
    assert "Usage: ltemlive" in outcome.out + outcome.err


def test_an_unknown_command_is_named(ltemlive):
    outcome = ltemlive("reprocess")
    assert outcome.status == 2
    assert "No such command 'reprocess'" in outcome.err
    assert "Traceback" not in outcome.err
