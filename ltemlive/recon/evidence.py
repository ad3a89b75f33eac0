"""What the images of a series can tell, and the words for what they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltemlive.physics.optics import is_in_focus

if TYPE_CHECKING:
    from ltemlive.recon.model import SeriesModel

NO_FOCUS_NOTE = (
    "no in-focus image yet: the defocused ones hardly tell the amplitude, so edges of "
    "absorbing objects may show up in the phase"
)


def problem_of(model: SeriesModel) -> str | None:
    """Return why the images determine no phase, as "expected, got"; None: they do."""
    n_images, defocus_nm = len(model.seqs), model.defocus_nm
    if n_images < 2:
        got = "none" if n_images == 0 else "1; one image alone does not determine a phase"
        return f"expected at least two images, got {got}"
    if model.n_defocused == 0:
        return (
            f"expected a defocused image, got {n_images} in focus, where a phase is "
            "invisible"
        )
    if is_in_focus(max(defocus_nm) - min(defocus_nm), model.microscope):
        return (
            f"expected images at two defoci at least, got {n_images} at "
            f"{defocus_nm[0] * 1e-6:+.4g} mm, where phase and amplitude look alike; "
            "remedy: add one in focus, or of another defocus"
        )
    if not any(_contrasts(model)):
        return (
            f"expected contrast in a defocused image, got nothing but noise in "
            f"{model.n_defocused}; remedy: expose longer or defocus more"
        )
    return None


def notes_on(model: SeriesModel) -> tuple[str, ...]:
    """Return what the user should know about any estimate made of these images."""
    notes = [] if model.in_focus else [NO_FOCUS_NOTE]
    contrasts = _contrasts(model)
    n_blank = contrasts.count(0.0)
    if n_blank:
        notes.append(
            f"{n_blank} of {len(contrasts)} defocused images show nothing but noise and "
            "tell nothing of the phase"
        )
    strongest, sigma = max(contrasts, default=0.0), max(model.sigmas, default=0.0)
    if 0.0 < strongest < sigma:
        notes.append(
            f"more noise ({sigma:.2g} of the amplitude) than contrast ({strongest:.2g} at "
            "most): only waves that several images or many pixels share are determined, "
            "fine detail is what the prior expects"
        )
    return tuple(notes)


def _contrasts(model: SeriesModel) -> list[float]:
    """Return the contrast of each defocused image."""
    return [
        contrast
        for contrast, defocus_nm in zip(model.contrasts, model.defocus_nm, strict=True)
        if not is_in_focus(defocus_nm, model.microscope)
    ]
