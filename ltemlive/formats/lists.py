"""Lists of images that other programs write beside them: one, or all of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.errors import ConfigError
from ltemlive.formats.fls import parse_fls
from ltemlive.formats.mdoc import parse_mdoc
from ltemlive.formats.stated import stated_facts
from ltemlive.series import SeriesDescription, SeriesFrame

if TYPE_CHECKING:
    from pathlib import Path

    from ltemlive.formats.listed import ImageList, ListedImage
    from ltemlive.settings import MicroscopeSettings

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


def list_files(folder: Path) -> list[Path]:
    """Return the lists in a folder, the most trusted first."""
    names = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [path for end in LIST_SUFFIXES for path in names if path.suffix.lower() == end]


def described_by_lists(
    files: list[Path], microscope: MicroscopeSettings
) -> SeriesDescription:
    """Return the series that lists of one folder describe together.

    Of two that tell of one image the first holds.

    Parameters
    ----------
    microscope
        What lists do not say. Its camera is not taken.

    Raises
    ------
    ConfigError
        If a list cannot be read, or nobody says voltage or pixel size.
    """
    images: dict[tuple[str, int], ListedImage] = {}
    stated: dict[str, float] = {}
    for path in files:
        listed = read_list(path)
        if listed.voltage_kv is not None:
            stated.setdefault("voltage_kv", listed.voltage_kv)
        for image in listed.images:
            images.setdefault((image.file, image.page), image)
            if image.pixel_nm is not None:
                stated.setdefault("pixel_nm", image.pixel_nm)
    values = microscope.model_dump(exclude_none=True, exclude={"camera"}) | stated
    unsaid = [name for name in ("voltage_kv", "pixel_nm") if name not in values]
    if unsaid:
        remedy = " ".join(f"--set microscope.{name}=..." for name in unsaid)
        raise ConfigError(f"{files[0]}: {' and '.join(unsaid)}: missing; add {remedy}")
    frames = tuple(_entry(files[0].parent, image) for image in images.values())
    return SeriesDescription.model_validate(values | {"frames": frames})


def _entry(folder: Path, image: ListedImage) -> SeriesFrame:
    if image.is_whole_file and (folder / image.file).is_file():
        n_images = stated_facts(folder / image.file).n_images
        if n_images > 1:
            raise ConfigError(
                f"{folder / image.file}: expected one image, got {n_images} movie frames; "
                "sum them, or list its pages in series.yaml"
            )
    return SeriesFrame(
        file=image.file,
        page=image.page,
        defocus_nm=image.defocus_nm,
        exposure_s=image.exposure_s,
    )


def _text(data: bytes) -> str:
    """Return text of any encoding that a microscope's PC may have used."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
