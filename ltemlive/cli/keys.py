"""``ltemlive keys``: who may speak to a daemon from another machine."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ltemlive.keys import ClientKeys

KeysOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="This client's folder of keys, from `ltemlive keys`; other machines need it.",
    ),
]


def client_keys(folder: Path | None) -> ClientKeys | None:
    """Return the keys that ``--keys`` names; None where it was left out.

    Raises
    ------
    ConfigError
        If they cannot be used.
    """
    from ltemlive.keys import load_client_keys

    return load_client_keys(folder) if folder is not None else None


def keys(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The daemon's folder (security.keys).")
    ],
    client: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make keys for this client, and let it in."),
    ] = None,
) -> None:
    """Make the daemon's keys, if it has none, and those of a client. Never overwrites."""
    from ltemlive.key_making import make_client_keys, make_daemon_keys

    is_new = make_daemon_keys(folder)
    typer.echo(f"{folder}: keys of the daemon, {'made' if is_new else 'kept as they are'}")
    setting = quote(f"security.keys={folder}")
    typer.echo(f"  use them:  ltemlive run --set {setting}")
    if client is None:
        typer.echo(f"  let a client in:  ltemlive keys {quote(str(folder))} --client NAME")
        return
    made = make_client_keys(folder, client)
    place, name = quote(str(made)), quote(made.name)
    typer.echo(f"{made}: keys of {client}, who may come in from now on")
    typer.echo(f"  move them there, then remove them here:  scp -rp {place} HOST:{name}")
    typer.echo(f"  use them there:  ltemlive dashboard --keys {name} --connect ...")
    public = quote(str(folder / "clients" / f"{client}.key"))
    typer.echo(f"  no longer let it in:  rm {public}")
