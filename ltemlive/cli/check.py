"""``ltemlive check``: the resolved settings, or every error at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.settings import load_settings

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Override one setting, e.g. --set session.root=/data. May be repeated.",
    ),
]


def check(
    config: Annotated[
        Path | None, typer.Argument(help="Settings in YAML; none: the defaults.")
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Print the settings as they would be used, or every error at once."""
    from ltemlive.formats.references import load_camera
    from ltemlive.keys import load_daemon_keys

    settings = load_settings(config, environ=os.environ, overrides=overrides or ())
    wrong = []
    for look in (
        lambda: load_camera(Path(), settings.microscope.camera, where="microscope"),
        lambda: settings.security.keys and load_daemon_keys(settings.security.keys),
    ):
        try:
            look()
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))
    typer.echo(documents.dump(settings.as_document()), nl=False)
