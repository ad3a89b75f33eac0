"""Keys made for a daemon and for its clients, never open to others, not for a moment.

Files are as ``zmq.auth.create_certificates`` writes them; that one opens them to everybody
first, and overwrites.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import zmq

from ltemlive.errors import ConfigError
from ltemlive.keys import CLIENT, CLIENTS, DAEMON, load_daemon_keys, require_private

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def make_daemon_keys(folder: Path) -> bool:
    """Make what is missing of a daemon's folder; return whether its pair is new.

    Raises
    ------
    ConfigError
        If the folder cannot be written, others may enter it, or it has half a pair.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_private(folder, 0o700)
        (folder / CLIENTS).mkdir(mode=0o700, exist_ok=True)
        public_file = folder / f"{DAEMON}.key"
        is_new = not (folder / f"{DAEMON}.key_secret").exists()
        if is_new and public_file.exists():
            raise ConfigError(
                f"{public_file}: expected its daemon.key_secret beside it, got none; put "
                "that back, or remove this file to make a new pair"
            )
        if is_new:
            _write_pair(folder, DAEMON, *zmq.curve_keypair())
        elif not public_file.exists():
            _write_new(public_file, _text(load_daemon_keys(folder).own.public))
    except OSError as error:
        raise _unwritable(folder, error) from error
    return is_new


def make_client_keys(folder: Path, name: str) -> Path:
    """Make a client's folder in the daemon's, let the client in, and return its folder.

    Raises
    ------
    ConfigError
        If the name is none, is taken, or the folder cannot be written.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"--client {name!r}: expected at most 64 letters, digits, - and _, the first a "
            "letter or digit"
        )
    daemon = load_daemon_keys(folder)
    made, entry = folder / f"for-{name}", folder / CLIENTS / f"{name}.key"
    taken = next((path for path in (entry, made) if path.exists()), None)
    if taken is not None:
        raise ConfigError(
            f"{taken}: expected a new name, got one that has keys, which are never "
            "overwritten; choose another name, or remove these keys first"
        )
    public, secret = zmq.curve_keypair()
    try:
        # Made aside: a folder of that name is whole, or not there.
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as aside:
            _write_pair(Path(aside), CLIENT, public, secret)
            _write_new(Path(aside) / f"{DAEMON}.key", _text(daemon.own.public))
            Path(aside).rename(made)
        _write_new(entry, _text(public))
    except OSError as error:
        raise _unwritable(folder, error) from error
    return made


def _text(public: bytes, secret: bytes | None = None) -> str:
    kind = "public key: give it away" if secret is None else "SECRET key: keep it here"
    lines = [f"# ltemlive, CURVE, {kind}", "metadata", "curve"]
    lines.append(f'    public-key = "{public.decode("ascii")}"')
    if secret is not None:
        lines.append(f'    secret-key = "{secret.decode("ascii")}"')
    return "\n".join(lines) + "\n"


def _write_pair(folder: Path, name: str, public: bytes, secret: bytes) -> None:
    _write_new(folder / f"{name}.key_secret", _text(public, secret))
    _write_new(folder / f"{name}.key", _text(public))


def _write_new(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner alone; never over another."""
    # mkstemp opens with mode 0600, whatever the umask.
    number, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # A link, where a rename would replace what another process has just made.
        os.link(aside, path)
    finally:
        Path(aside).unlink()


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    where = error.filename2 or error.filename or folder
    return ConfigError(
        f"{where}: expected a folder to write keys into, got: {error.strerror}; choose "
        "another folder"
    )
