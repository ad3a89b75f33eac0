"""What SerialEM says about its images, in ``NAME.mdoc`` or ``NAME.idoc``. Text to values.

Keys and values in sections (IMOD's autodoc), before the first section for all of them:
``[ZValue = n]`` is page n of the file that the description is named after,
``[Image = name]`` a file of that name, ``[FrameSet = 0]`` a file of movie frames
(bio3d.colorado.edu/SerialEM/hlp/html/about_formats.htm). ``Defocus`` is in um,
``PixelSpacing`` in Angstrom, ``Voltage`` in kV. SerialEM has "negative numbers for
underfocus" (about_autofocus.htm there); here positive is underfocus: the sign is turned.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from ltemlive.errors import ConfigError
from ltemlive.formats.images import IMAGE_SUFFIXES
from ltemlive.formats.listed import ImageList, ListedImage

_SECTION = re.compile(r"\[\s*(\w+)\s*=\s*(.*?)\s*\]$")

Values: TypeAlias = dict[str, str]


def parse_mdoc(text: str, *, name: str) -> ImageList:
    """Return the images that a description of SerialEM tells of.

    Of two sections for one image the later one holds, as SerialEM appends.

    Parameters
    ----------
    name
        The description's own file name, ``stack.mrc.mdoc``.

    Raises
    ------
    ConfigError
        If a value that is wanted is none; begins with ``name``.
    """
    common, sections = _sections(text)
    images: dict[tuple[str, int], ListedImage] = {}
    for kind, title, own in sections:
        place = _place(kind, title, own, common, name)
        if place is None:
            continue
        values, where = common | own, f"{name}: [{kind} = {title}]"
        defocus_um = _number(values, "Defocus", where, bound=1e6)
        pixel_angstrom = _number(values, "PixelSpacing", where, least=0.0, bound=1e6)
        exposure_s = _number(values, "ExposureTime", where, least=0.0, bound=1e6)
        images[place] = ListedImage(
            *place,
            is_whole_file=kind == "FrameSet",
            # From zero, lest there be a defocus of -0.
            defocus_nm=None if defocus_um is None else 0.0 - 1e3 * defocus_um,
            exposure_s=exposure_s or None,
            pixel_nm=None if not pixel_angstrom else pixel_angstrom / 10.0,
        )
    voltage_kv = _number(common, "Voltage", name, least=10.0, bound=3000.0)
    return ImageList(tuple(images.values()), voltage_kv)


def _sections(text: str) -> tuple[Values, list[tuple[str, str, Values]]]:
    """Return what holds for all, and each section as kind, title and values."""
    common: Values = {}
    sections: list[tuple[str, str, Values]] = []
    for line in text.splitlines():
        heading = _SECTION.match(line.strip())
        if heading is None:
            key, _, value = line.partition("=")
            own = sections[-1][2] if sections else common
            own[key.strip()] = value.strip()
        # A title is a remark, not the heading of a section.
        elif heading[1] != "T":
            sections.append((heading[1], heading[2], {}))
    return common, sections


def _place(
    kind: str, title: str, own: Values, common: Values, name: str
) -> tuple[str, int] | None:
    """Return file and page that a section tells of, None if it tells of no image."""
    stem = name.rpartition(".")[0]
    is_named_after = stem.lower().endswith(IMAGE_SUFFIXES)
    if kind == "Image":
        file, page = title, "0"
    elif kind == "FrameSet":
        file, page = stem if is_named_after else own.get("SubFramePath", ""), "0"
    elif kind == "ZValue":
        file, page = stem if is_named_after else common.get("ImageFile", ""), title
    else:
        return None
    file = re.split(r"[\\/]", file)[-1]
    return (file, int(page)) if file and page.isdecimal() and len(page) < 7 else None


def _number(
    values: Values, key: str, where: str, *, least: float | None = None, bound: float
) -> float | None:
    text = values.get(key)
    if text is None:
        return None
    low = -bound if least is None else least
    try:
        value = float(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= bound:
        raise ConfigError(
            f"{where}: {key}: expected a number from {low:g} to {bound:g}, got "
            f"{text[:40]!r}"
        )
    return value
