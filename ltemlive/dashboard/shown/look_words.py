"""What the choices of the look are called, and in which order they are offered. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from ltemlive.dashboard.shown.wording import PI


class Offer(NamedTuple):
    """A line of the card on which the look is chosen."""

    name: str
    """Field of ``Look``."""
    title: str
    keys: str = ""


OFFERS = (
    Offer("theme", "Theme", "T"),
    Offer("text_scale", "Text", "Ctrl + / \N{MINUS SIGN} / 0"),
    Offer("axes", "Axes", "X"),
    Offer("percentile", "Automatic levels leave out", "A"),
    Offer("second", "Beside the phase", "G"),
    Offer("phase_map", "Phase in"),
    Offer("contours", "Contours of the phase", "C"),
    Offer("contours_per_turn", "One each", "[ / ]"),
    Offer("wheel", "Induction in"),
    Offer("gamma", "Weak induction"),
    Offer("full_colour_t_nm", "Full colour at"),
    Offer("thickness_nm", "Thickness of the film"),
)

UNITS = {"full_colour_t_nm": " T nm", "thickness_nm": " nm"}
"""Of what is any number."""

WHERE_ZERO = {"full_colour_t_nm": "automatic", "thickness_nm": "unknown"}
"""What 0 stands for, where it is no amount."""

_WORDS = {
    ("wheel", "hue"): "hues",
    ("wheel", "blue-yellow"): "blue to yellow, dark to light",
    ("gamma", 1.0): "in proportion",
    ("gamma", 0.7): "lifted (power 0.7)",
    ("gamma", 0.5): "lifted more (power 0.5)",
    ("percentile", 0.0): "nothing",
    ("contours_per_turn", 1): f"2{PI} rad",
    ("contours_per_turn", 2): f"{PI} rad",
}


def choice_text(name: str, value: Any) -> str:
    """Return what a choice is called."""
    if (name, value) in _WORDS:
        return _WORDS[name, value]
    match name:
        case "text_scale":
            return f"{100.0 * value:.0f} %"
        case "percentile":
            return f"{value:g} % at each end"
        case "contours_per_turn":
            return f"2{PI}/{value} rad"
    return str(value)
