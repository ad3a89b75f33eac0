"""The list of a through-focus series as PyLorentz keeps it, ``NAME.fls``. Text to values.

    3                     how many images, an odd number
    under.dm3             their names, the most underfocused first,
    focus.dm3             the one in focus in the middle
    over.dm3
    200000                defocus [nm] of each pair without its sign, the weakest first

Read as PyLorentz reads it (``load_data`` in ``PyTIE/TIE_helper.py``, ``legacy_load`` in
``PyLorentz/dataset/data_legacy.py``). Which half is underfocused stands in ``select_tifs``
of the former: what is before the middle.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain

from ltemlive.errors import ConfigError
from ltemlive.formats.listed import ImageList, ListedImage

STRONGEST_NM = 1e9
"""A list that says more is wrong."""


def parse_fls(text: str, *, where: str) -> ImageList:
    """Return the images of a list, each with its defocus; positive is underfocus.

    A name that comes again stands for the next page of one file, a stack.

    Raises
    ------
    ConfigError
        If the text is no such list; begins with ``where``.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    n_images = _n_images(lines, where)
    names, values = lines[1 : 1 + n_images], lines[1 + n_images :]
    n_pairs = n_images // 2
    if len(names) < n_images or len(values) != n_pairs:
        raise ConfigError(
            f"{where}: expected {n_images} file names and then {n_pairs} defocus values in "
            f"nm, got {len(lines) - 1} lines; one for each image, then one for each pair"
        )
    pairs_nm = [_defocus_nm(value, where) for value in values]
    mentioned: Counter[str] = Counter()
    images = []
    over_nm = (-value for value in pairs_nm)
    for name, defocus_nm in zip(names, chain(pairs_nm[::-1], [0.0], over_nm), strict=True):
        images.append(ListedImage(name, mentioned[name], defocus_nm))
        mentioned[name] += 1
    return ImageList(tuple(images))


def _n_images(lines: list[str], where: str) -> int:
    first = lines[0] if lines else "nothing"
    n_images = int(first) if first.isdecimal() and len(first) < 6 else 0
    if n_images % 2 == 0:
        raise ConfigError(
            f"{where}: expected an odd number of images in the first line, got {first[:40]}"
        )
    return n_images


def _defocus_nm(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= STRONGEST_NM:
        raise ConfigError(
            f"{where}: expected a defocus in nm without its sign, got {text[:40]!r}"
        )
    return value
