"""Image files that RosettaSciIO reads for us (``pip install ltemlive[formats]``)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ltemlive.errors import FrameError

if TYPE_CHECKING:
    from pathlib import Path

_READERS = {
    ".dm3": "rsciio.digitalmicrograph",
    ".dm4": "rsciio.digitalmicrograph",
    ".emd": "rsciio.emd",
    ".emi": "rsciio.tia",
    ".hspy": "rsciio.hspy",
    ".mib": "rsciio.quantumdetector",
    ".mrc": "rsciio.mrc",
    ".ser": "rsciio.tia",
    ".tvips": "rsciio.tvips",
}

FOREIGN_SUFFIXES = tuple(_READERS)


def foreign_stack(path: Path, *, is_lazy: bool = False) -> Any:
    """Return the first image or stack of images in a file, shape (..., ny, nx).

    Parameters
    ----------
    is_lazy
        Whether the pixels stay in the file, to ask for the shape alone.

    Raises
    ------
    FrameError
        If RosettaSciIO is not installed, or the file has no image. A damaged file makes
        its readers raise almost anything.
    """
    try:
        reader = importlib.import_module(_READERS[path.suffix.lower()])
    except ImportError as error:
        raise FrameError(
            f"{path}: reading {path.suffix} needs RosettaSciIO; "
            "pip install 'ltemlive[formats]'"
        ) from error
    # A file may hold spectra beside its images.
    for signal in reader.file_reader(str(path), lazy=is_lazy):
        in_plane = [axis for axis in signal["axes"] if not axis["navigate"]]
        if len(in_plane) == 2 and signal["data"].ndim >= 2:
            return signal["data"]
    raise FrameError(f"{path}: expected an image, got a file without one")
