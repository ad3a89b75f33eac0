"""The phase of a series by the transport-of-intensity equation, to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ltemlive.errors import FrameError
from ltemlive.physics.tie import symmetric_pair, transport_of_intensity_phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ltemlive.recon.model import SeriesModel


def tie_phase(model: SeriesModel) -> NDArray[np.float32]:
    """Return the phase [rad] that the transport-of-intensity equation gives.

    From the most symmetric pair of images; shape (ny, nx) of the frames.

    Raises
    ------
    FrameError
        If there is no image on one side of focus.
    """
    defocused = model.defocused
    try:
        under, over = symmetric_pair([image.defocus_nm for image in defocused])
    except ValueError as error:
        raise FrameError(f"method tie: {error}; method ad needs no pair") from error
    images = [defocused[index].amplitude ** 2 for index in (under, over)]
    return transport_of_intensity_phase(
        images[0],
        images[1],
        np.asarray(model.first_amplitude**2),
        separation_nm=defocused[under].defocus_nm - defocused[over].defocus_nm,
        microscope=model.microscope,
    )
