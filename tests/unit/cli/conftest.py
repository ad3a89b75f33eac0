"""The command line as a user has it: text out, an exit code, never a traceback."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from ltemlive.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def ltemlive(monkeypatch, capsys, tmp_path):
    """Return a way to run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("LTEMLIVE_SESSION__ROOT", "LTEMLIVE_INPUT__ZMQ"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ltemlive", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Outcome(0 if code is None else code, said.out, said.err)

    return run
