"""What sets a frame aside before it is used: its camera was saturated, or saw nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ltemlive.recon.innovation import predicted_alone
from ltemlive.recon.members import Aside
from ltemlive.recon.model import with_used
from ltemlive.recon.preparation import LEAST_SIGNIFICANCE, signal_significance

if TYPE_CHECKING:
    from ltemlive.recon.members import Member
    from ltemlive.recon.model import SeriesModel
    from ltemlive.recon.preparation import MeasuredImage
    from ltemlive.recon.solver import SolverState

BLANK = Aside("blank", "blank: shows nothing where the others predict contrast")
MUST_SHOW = 3.0
"""How many times more than significant an image is expected to be that may be blank."""
SATURATED = 0.01
"""Share of pixels at the very top, from which a frame is not used."""
DARK = 0.1
"""Of the others' intensity, below which a frame without contrast had no beam."""


def is_blank(model: SeriesModel, member: Member, state: SolverState) -> bool:
    """Return whether a frame shows nothing, and should by what ``state`` predicts."""
    if member.image.contrast > 0.0:
        return False
    prediction = predicted_alone(model, member.aligned(), state)
    predicted = model.field.crop(prediction.predicted.numpy())
    expected = signal_significance(predicted, member.image.sigma)
    return bool(np.max(expected) > MUST_SHOW * LEAST_SIGNIFICANCE)


def without_useless(model: SeriesModel) -> SeriesModel:
    """Return the model without saturated and dark frames, if they are few.

    The frames that are left must determine a phase as well as all of them did.
    """
    usual = float(np.median([image.mean for image in model.images]))
    verdicts = [(member, _of_camera(member.image, usual)) for member in model.used]
    useless = [
        replace(member, aside=aside)
        for member, aside in verdicts
        if aside is not None and member.wish is None
    ]
    if not useless or 2 * len(useless) > len(model.used):
        return model
    rest = with_used(model, useless)
    return rest if rest.problem is None else model


def _of_camera(image: MeasuredImage, usual: float) -> Aside | None:
    if image.saturation > SATURATED:
        share = f"{image.saturation:.0%} of its pixels at the highest value"
        return Aside("saturated", f"saturated: {share}")
    if image.contrast == 0.0 and image.mean < DARK * usual:
        share = f"{max(image.mean, 0.0) / usual:.1%} of the others' intensity"
        return Aside("blank", f"blank: shows nothing, at {share}")
    return None
