"""Lists of images that other programs write beside them, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from ltemlive.formats.fls import parse_fls
from ltemlive.formats.mdoc import parse_mdoc

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.formats.listed import ImageList

LIST_SUFFIXES = (".fls", ".mdoc", ".idoc")
"""The most trusted first."""

LONGEST_LIST = 64 * 2**20
"""Bytes: a longer file is no list of images."""


def read_list(path: Path) -> ImageList:
    """Return what a list says of the images beside it.

    Raises
    ------
    ConfigError
        If it cannot be read, or is none; one line that begins with its name.
    """
    try:
        if path.stat().st_size > LONGEST_LIST:
            raise ConfigError(
                f"{path.name}: expected a list of at most {LONGEST_LIST} bytes, got "
                f"{path.stat().st_size}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path.name}: expected a readable list of images, got: {error.strerror}"
        ) from error
    text = _text(data)
    if path.suffix.lower() == ".fls":
        return parse_fls(text, where=path.name)
    return parse_mdoc(text, name=path.name)


def _text(data: bytes) -> str:
    """Return text of any encoding that a microscope's PC may have used."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
