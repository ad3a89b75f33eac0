"""Who may speak: the key files of a daemon and of its clients, read and checked.

A daemon's folder holds its own pair, and the public key of every client that may come in::

    daemon.key  daemon.key_secret  clients/NAME.key  [publisher.key]

and a client's folder its own pair, and the public key by which it knows the daemon::

    client.key  client.key_secret  daemon.key

``publisher.key`` is the public key of whoever publishes at ``input.zmq_sub``.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import zmq
from zmq.auth import load_certificate
from zmq.utils import z85

from ltemlive.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

DAEMON = "daemon"
CLIENT = "client"
CLIENTS = "clients"
PUBLISHER = "publisher"

_KEY_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Pair:
    """A key pair as ZMQ takes it (Z85)."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a client needs: who it is, and whom it expects."""

    folder: Path
    own: Pair
    server: bytes
    """Public key of the other side."""
    server_file: Path
    """Where that public key stands."""


@dataclass(frozen=True, slots=True)
class DaemonKeys:
    """What a daemon needs: who it is; whom it lets in is asked for each time."""

    folder: Path
    own: Pair
    publisher: ClientKeys | None
    """For ``input.zmq_sub``, where the daemon is the client; None: that speaks plain."""

    def allowed(self) -> dict[bytes, str]:
        """Return the names of the clients that may come in, by public key, as of now.

        A file that is no key lets nobody in, and is no error: the others may still.
        """
        found = {}
        for file in sorted((self.folder / CLIENTS).glob("*.key")):
            try:
                found[_public(file)] = file.stem
            except ConfigError:
                continue
        return found


def load_daemon_keys(folder: Path) -> DaemonKeys:
    """Return the keys in a daemon's folder.

    Raises
    ------
    ConfigError
        If files are missing or are no keys, or others may read them.
    """
    remedy = f"make it with `ltemlive keys {folder}`"
    own = _pair(folder, DAEMON, remedy)
    for file in sorted(_listed(folder / CLIENTS, remedy)):
        if file.suffix == ".key":
            _public(file)
    publisher = folder / f"{PUBLISHER}.key"
    if not publisher.exists():
        return DaemonKeys(folder, own, None)
    return DaemonKeys(folder, own, ClientKeys(folder, own, _public(publisher), publisher))


def load_client_keys(folder: Path) -> ClientKeys:
    """Return the keys in a client's folder.

    Raises
    ------
    ConfigError
        If files are missing or are no keys, or others may read them.
    """
    remedy = "make it with `ltemlive keys DIR --client NAME` where the daemon runs"
    own = _pair(folder, CLIENT, remedy)
    file = folder / f"{DAEMON}.key"
    if not file.exists():
        raise ConfigError(
            f"{file}: expected the daemon's public key, got no file; {remedy}"
        )
    return ClientKeys(folder, own, _public(file), file)


def _pair(folder: Path, name: str, remedy: str) -> Pair:
    file = folder / f"{name}.key_secret"
    for path, mode in ((folder, 0o700), (file, 0o600)):
        try:
            require_private(path, mode)
        except OSError as error:
            raise ConfigError(
                f"{path}: expected keys, got: {error.strerror}; {remedy}"
            ) from error
    public, secret = _keys_in(file)
    if secret is None or zmq.curve_public(secret) != public:
        raise ConfigError(
            f"{file}: expected a pair of keys, got one that is none; {remedy}"
        )
    return Pair(public, secret)


def _public(file: Path) -> bytes:
    return _keys_in(file)[0]


def _keys_in(file: Path) -> tuple[bytes, bytes | None]:
    try:
        public, secret = load_certificate(file)
        for key in (public, secret or public):
            if len(z85.decode(key)) != _KEY_BYTES:
                raise ValueError("length")
    # z85 looks characters up in a table.
    except (OSError, ValueError, LookupError, struct.error) as error:
        reason = getattr(error, "strerror", None) or "none"
        raise ConfigError(
            f"{file}: expected a CURVE key as `ltemlive keys` writes it, got {reason}; "
            "copy the file again"
        ) from error
    return public, secret


def require_private(path: Path, mode: int) -> None:
    """Refuse a folder or file that others may open.

    Raises
    ------
    ConfigError
        If its mode grants anything to anybody but its owner.
    OSError
        If it cannot be looked at.
    """
    found = stat.S_IMODE(path.stat().st_mode)
    if found & _OTHERS:
        raise ConfigError(
            f"{path}: expected a secret that only you can open (mode {mode:04o}), got mode "
            f"{found:04o}; `chmod {mode:o} {path}`"
        )


def _listed(folder: Path, remedy: str) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{folder}: expected the folder of the clients' public keys, got: "
            f"{error.strerror}; {remedy}"
        ) from error
