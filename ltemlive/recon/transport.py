"""The phase of a series by the transport-of-intensity equation, to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import FrameError
from ltemlive.physics.optics import is_in_focus
from ltemlive.physics.tie import symmetric_pair, transport_of_intensity_phase
from ltemlive.recon.resampling import turned_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel


def tie_phase(model: SeriesModel) -> NDArray[np.float32]:
    """Return the phase [rad] that the transport-of-intensity equation gives.

    From the most symmetric pair of images, brought back to where the reference frame lies;
    shape (ny, nx) of the frames.

    Raises
    ------
    FrameError
        If there is no image on one side of focus.
    """
    defocused = [
        member
        for member in model.used
        if not is_in_focus(member.image.defocus_nm, model.microscope)
    ]
    defocus_nm = [member.image.defocus_nm for member in defocused]
    try:
        under, over = symmetric_pair(defocus_nm)
    except ValueError as error:
        raise FrameError(f"method tie: {error}; method ad needs no pair") from error
    return transport_of_intensity_phase(
        _intensity(model, defocused[under]),
        _intensity(model, defocused[over]),
        np.asarray(model.first_amplitude**2),
        separation_nm=defocus_nm[under] - defocus_nm[over],
        microscope=model.microscope,
    )


def _intensity(model: SeriesModel, member: Member) -> NDArray[np.float32]:
    intensity = member.image.amplitude**2
    if member.is_aligned:
        return np.asarray(intensity)
    field = model.field
    return field.crop(turned_back(intensity, field, member.shift_px, member.turn))
