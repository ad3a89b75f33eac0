"""What the images of a series can tell, and the words for what they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ltemlive.physics.optics import is_in_focus
from ltemlive.recon.preparation import is_significant

if TYPE_CHECKING:
    from ltemlive.recon.model import SeriesModel

PARABOLA_NOTE = (
    "frames are magnified through focus: what is proportional to defocus is a parabola of "
    "the phase, and no data tell how much of it is which: once the phase stands, what "
    "registration may have left of it is taken for magnification"
)
FAR_LOG = 0.15
"""Logarithm of a defocus against the stated one, beyond which that is worth a word."""
NO_FOCUS_NOTE = (
    "no in-focus image yet: the defocused ones hardly tell the amplitude, so edges of "
    "absorbing objects may show up in the phase"
)


class Problem(NamedTuple):
    """Why images determine no phase."""

    kind: Literal["few", "all in focus", "one defocus", "noise"]
    text: str
    """What was expected and what came, as one line."""


def problem_of(model: SeriesModel) -> Problem | None:
    """Return why the images determine no phase; None: they do."""
    n_images, defocus_nm = len(model.seqs), model.stated_nm
    if n_images < 2:
        got = "none" if n_images == 0 else "1; one image alone does not determine a phase"
        return Problem("few", f"expected at least two images, got {got}")
    defocused = model.defocused
    if not defocused:
        return Problem(
            "all in focus",
            f"expected a defocused image, got {n_images} in focus, where a phase is "
            "invisible",
        )
    if is_in_focus(max(defocus_nm) - min(defocus_nm), model.microscope):
        return Problem(
            "one defocus",
            f"expected images at two defoci at least, got {n_images} at "
            f"{defocus_nm[0] * 1e-6:+.4g} mm, where phase and amplitude look alike; "
            "remedy: add one in focus, or of another defocus",
        )
    # What no image shows by itself, many may show together.
    together = np.sum([image.significance for image in defocused], axis=0)
    if not is_significant(together / np.sqrt(len(defocused))):
        return Problem(
            "noise",
            f"expected contrast in a defocused image, got nothing but noise in "
            f"{len(defocused)}; remedy: expose longer or defocus more",
        )
    return None


def notes_on(model: SeriesModel) -> tuple[str, ...]:
    """Return what the user should know about any estimate made of these images."""
    notes = [] if model.in_focus else [NO_FOCUS_NOTE]
    lost = [
        str(seq)
        for seq, found in zip(model.seqs, model.registered_px, strict=True)
        if found is None
    ]
    if lost and len(model.defocused) > 1:
        notes.append(
            f"frame {', '.join(lost)} shows nothing of where it lies, and is taken to lie "
            "amid the others"
        )
    notes.extend(_notes_on_signs(model))
    far = [
        f"{member.seq} at {member.image.defocus_nm * 1e-6:+.4g} mm (stated "
        f"{member.stated_nm * 1e-6:+.4g})"
        for member in model.used
        if member.stated_nm and abs(member.log_strayed) > FAR_LOG
    ]
    if far:
        notes.append(
            f"frame {', '.join(far)}: used with the defocus that fits the others; remedy: "
            "check what the microscope says"
        )
    if any(turn.log_magnification for turn in model.turns):
        notes.append(PARABOLA_NOTE)
    pairs = [(image.sigma, image.contrast) for image in model.defocused]
    n_blank = sum(contrast == 0.0 for _, contrast in pairs)
    if n_blank:
        notes.append(
            f"{n_blank} of {len(pairs)} defocused images show no contrast of their own"
        )
    if pairs and all(sigma > contrast for sigma, contrast in pairs):
        sigma, contrast = min(pairs, key=lambda pair: pair[0] - pair[1])
        notes.append(
            f"more noise than contrast in each defocused image (at best {sigma:.2g} and "
            f"{contrast:.2g} of the amplitude): only waves that several images or many "
            "pixels share are determined, fine detail is what the prior expects"
        )
    return tuple(notes)


def _notes_on_signs(model: SeriesModel) -> list[str]:
    """Return which frames are not used with the defocus that was stated."""
    believed = [str(member.seq) for member in model.used if member.sign > 0]
    reversed_ = [member for member in model.used if member.sign < 0]
    if not reversed_:
        return []
    listed = ", ".join(
        f"{member.seq} at {-member.stated_nm * 1e-6:+.4g} mm" for member in reversed_
    )
    if len(reversed_) == len(believed):
        return [
            f"frame {listed}: used with the other sign of defocus than stated, or else all "
            f"signs must be the other way round: as many frames ({', '.join(believed)}) "
            "contradict; remedy: check on which side of focus they are"
        ]
    return [
        f"frame {listed}: used with the other sign of defocus than stated, as the others "
        "ask for; that all are the other way round no data can tell"
    ]
