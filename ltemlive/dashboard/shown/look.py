"""What the user may choose of how the window looks, as one value. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ThemeName: TypeAlias = Literal["dark", "light"]
SecondName: TypeAlias = Literal["gradient", "uncertainty", "amplitude"]
MapName: TypeAlias = Literal["viridis", "cividis", "magma", "gray"]
WheelName: TypeAlias = Literal["hue", "blue-yellow"]


@dataclass(frozen=True, slots=True)
class Look:
    """Every choice, each as it is until the user chooses."""

    theme: ThemeName = "dark"
    text_scale: float = 1.0
    """Size of text against the usual one."""
    wheel: WheelName = "hue"
    """Colours of the induction."""
    gamma: float = 1.0
    """Power of its magnitude: below 1 weak fields show more."""
    full_colour_t_nm: float = 0.0
    """Magnitude that has the full colour; 0 lets the field decide."""
    thickness_nm: float = 0.0
    """Of the magnetic film, to tell its induction without it; 0 where nobody knows."""
    second: SecondName = "gradient"
    """What the map between phase and induction shows."""
    phase_map: MapName = "viridis"
    contours: bool = False
    """Whether cos(n phase) lies upon the phase."""
    contours_per_turn: int = 1
    """n: how many contours there are to 2 pi."""
    percentile: float = 0.5
    """Per cent at each end that automatic levels leave out; 0 leaves out none."""
    axes: bool = False
    """Whether there are axes around the maps; a scale bar there is always."""


CHOICES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "theme": ("dark", "light"),
        "text_scale": (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0),
        "wheel": ("hue", "blue-yellow"),
        "gamma": (1.0, 0.7, 0.5),
        "second": ("gradient", "uncertainty", "amplitude"),
        "phase_map": ("viridis", "cividis", "magma", "gray"),
        "contours": (False, True),
        "contours_per_turn": (1, 2, 4, 8, 16, 32, 64),
        "percentile": (0.5, 1.0, 2.0, 0.0),
        "axes": (False, True),
    }
)
"""What each choice is between."""

RANGES = MappingProxyType(
    {"full_colour_t_nm": (0.0, 100_000.0), "thickness_nm": (0.0, 10_000.0)}
)
"""What is any number from, and to."""


class KeyedChoice(NamedTuple):
    """A key that changes the look."""

    keys: tuple[str, ...]
    """As Qt writes them; any of them will do."""
    does: str
    changed: Callable[[Look], Look]


def after(look: Look, name: str, *, by: int = 1, is_round: bool = True) -> Look:
    """Return a look with the next choice (or the one before) of what ``name`` says.

    Parameters
    ----------
    is_round
        Whether the first one follows the last one; otherwise the last one stays.
    """
    choices = CHOICES[name]
    place = choices.index(getattr(look, name)) + by
    place = place % len(choices) if is_round else min(max(place, 0), len(choices) - 1)
    return replace(look, **{name: choices[place]})


def _contoured(look: Look, *, by: int) -> Look:
    # Who wants more of them wants to see them.
    if not look.contours:
        return replace(look, contours=True)
    return after(look, "contours_per_turn", by=by, is_round=False)


LOOK_KEYS = (
    KeyedChoice(("T",), "dark or light", lambda look: after(look, "theme")),
    KeyedChoice(
        ("Ctrl++", "Ctrl+="),
        "larger text",
        lambda look: after(look, "text_scale", is_round=False),
    ),
    KeyedChoice(
        ("Ctrl+-",),
        "smaller text",
        lambda look: after(look, "text_scale", by=-1, is_round=False),
    ),
    KeyedChoice(("Ctrl+0",), "usual text", lambda look: replace(look, text_scale=1.0)),
    KeyedChoice(("X",), "axes", lambda look: after(look, "axes")),
    KeyedChoice(
        ("G",), "gradient, uncertainty or amplitude", lambda look: after(look, "second")
    ),
    KeyedChoice(("C",), "contours", lambda look: after(look, "contours")),
    KeyedChoice(("]",), "more contours", lambda look: _contoured(look, by=1)),
    KeyedChoice(("[",), "fewer contours", lambda look: _contoured(look, by=-1)),
)


def as_document(look: Look) -> dict[str, Any]:
    """Return a look as JSON or YAML can keep it."""
    return asdict(look)


def from_document(document: object) -> Look:
    """Return the look of a document; what is not there, or no choice, is as at first."""
    if not isinstance(document, dict):
        return Look()
    told = {
        each.name: value
        for each in fields(Look)
        if (value := _allowed(each.name, document.get(each.name))) is not None
    }
    return Look(**told)


def _allowed(name: str, value: object) -> Any:
    """Return a value as a look has it, or None where it is no choice."""
    if name in CHOICES:
        # In Python True equals 1; in a document it does not.
        same = (each for each in CHOICES[name] if value == each)
        return next((each for each in same if _is_flag(each) == _is_flag(value)), None)
    least, most = RANGES[name]
    if _is_flag(value) or not isinstance(value, int | float):
        return None
    return float(value) if least <= value <= most else None


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)
