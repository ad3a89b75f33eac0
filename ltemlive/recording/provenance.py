"""What stands in every file about where its numbers come from.

Flat pairs of a key and plain text or a number, lists as JSON: ImageJ shows them as lines,
PNG has them as chunks, DigitalMicrograph as tags, HyperSpy as original metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ltemlive
from ltemlive.recording.findings import INDUCTION_NOTE
from ltemlive.recording.plain import json_text

if TYPE_CHECKING:
    from ltemlive.formats.facts import Facts
    from ltemlive.recording.findings import Findings, QuantityMap

PHASE_NOTE = "magnetic and electrostatic phase together; unwrapped, zero mean"
CONVENTIONS = "y down, x right; lengths in nm; positive defocus is underfocus"

_NOTES = {"phase": PHASE_NOTE, "gradient": INDUCTION_NOTE, "induction": INDUCTION_NOTE}


def provenance(findings: Findings) -> Facts:
    """Return how the maps came about; what nobody knows is left out."""
    report, microscope = findings.report, findings.microscope
    facts: dict[str, object] = {
        "program": f"ltemlive {report.versions.get('ltemlive', ltemlive.__version__)}",
        "series": findings.title,
        **findings.origin,
        "pixel_nm": findings.pixel_nm,
        "frames_used": report.frames_used,
        "frames_rejected": [(bad.frame, bad.reason) for bad in report.frames_rejected],
        "defocus_nm": report.defocus_nm,
        "shift_px": report.shift_px,
        "rotation_deg": report.rotation_deg,
        "magnification": report.magnification,
        "holdout": report.holdout,
        "noise_sigma": report.noise_sigma,
        "uncertainty": report.uncertainty and report.uncertainty._asdict(),
        "method": report.method,
        "steps": report.steps,
        "gradient_evaluations": report.gradient_evaluations,
        "device": report.device,
        "notes": report.notes,
        "refined_convergence_mrad": report.convergence_mrad,
        "camera": report.camera and report.camera.model_dump(exclude_defaults=True),
        "solver": report.solver,
        "versions": report.versions,
        "conventions": CONVENTIONS,
    }
    if microscope is not None:
        facts |= microscope.model_dump(exclude={"pixel_nm", "camera"})
    return {
        key: value if isinstance(value, str | int | float) else json_text(value)
        for key, value in facts.items()
        if value not in (None, "", (), [], {})
    }


def as_png_text(facts: Facts, title: str) -> dict[str, str]:
    """Return facts as the text chunks of a PNG: keywords and their text."""
    chunks = {"Title": title, "Software": str(facts["program"])}
    return chunks | {key: str(value) for key, value in facts.items()}


def as_pdf_information(facts: Facts, title: str) -> dict[str, str]:
    """Return facts as a PDF has them: all of them are its keywords, as JSON."""
    return {
        "Title": title,
        "Creator": str(facts["program"]),
        "Subject": "Phase reconstruction from a defocus series",
        "Keywords": json_text(dict(facts)),
    }


def provenance_of_map(findings: Findings, quantity: QuantityMap) -> Facts:
    """Return the same, with what is particular to one map before it."""
    own = {
        "quantity": quantity.name,
        "unit": quantity.unit,
        "components": json_text(quantity.labels),
        "note": _NOTES.get(quantity.name, ""),
    }
    return {key: value for key, value in own.items() if value} | dict(provenance(findings))
