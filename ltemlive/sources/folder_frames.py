"""One image of a watched folder, read with what is known about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ltemlive.errors import FrameError
from ltemlive.formats.images import HALF_COPIED, read_image, zero_rows_at_end
from ltemlive.frames import FrameMeta

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.sources.folder_facts import ImageFacts
    from ltemlive.sources.folder_plan import ImageKey


def read_whole_image(
    file: Path, key: ImageKey, *, damage: str, is_patient: bool
) -> NDArray[Any]:
    """Return one image of a settled file.

    Parameters
    ----------
    damage
        Why the file is not to be trusted even if the image can be read.
    is_patient
        Whether an image that ends in a few rows of zeros may still be growing.

    Raises
    ------
    FrameError
        If it cannot be read, or was not copied to its end.
    """
    image = np.ascontiguousarray(read_image(file, page=key.page))
    if damage:
        raise FrameError(damage)
    n_zero, n_rows = zero_rows_at_end(image), image.shape[0]
    # Few zero rows may be the camera's own, so in the end they are believed.
    if n_zero and (is_patient or n_zero >= HALF_COPIED * n_rows):
        raise FrameError(
            f"{key.label}: expected a whole image, got {n_zero} of {n_rows} rows of "
            "zeros at its end; copy it again"
        )
    return image


def frame_meta(key: ImageKey, facts: ImageFacts, seq: int) -> FrameMeta:
    """Return what is known about an image, a conflict of its defocus among its ``meta``."""
    defocus = facts.defocus
    meta: dict[str, Any] = {"file": key.label}
    if facts.lens_value is not None:
        meta["lens_value"] = facts.lens_value
    if defocus is not None:
        meta["defocus_from"] = defocus.origin
        if defocus.conflict is not None:
            meta["defocus_conflict"] = defocus.conflict
    return FrameMeta(
        seq=seq,
        defocus_nm=defocus.defocus_nm if defocus is not None else None,
        pixel_nm=facts.pixel_nm,
        voltage_kv=facts.voltage_kv,
        exposure_s=facts.exposure_s,
        use=facts.use,
        meta=meta,
    )
