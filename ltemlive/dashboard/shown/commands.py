"""What the user can do in the window, each with its key. Pure.

Buttons, shortcuts and the list that ``?`` shows are all made from this one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Group: TypeAlias = Literal["page", "view", "tool", "series", "file", "help"]

GROUP_TITLES: dict[Group, str] = {
    "page": "Pages",
    "view": "View",
    "tool": "Tools",
    "series": "Series",
    "file": "Files",
    "help": "Help",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be done."""

    name: str
    text: str
    """On its button."""
    tip: str
    """What it does, in half a sentence."""
    group: Group
    keys: tuple[str, ...] = ()
    """The first is the one that is told."""
    is_toggle: bool = False
    has_button: bool = True


COMMANDS = (
    Command("live", "Live", "phase, gradient and induction", "page", ("1",), True),
    Command("frame", "Frame", "the selected frame, measured and as predicted", "page",
            ("2",), True),
    Command("compare", "Compare", "two revisions, or another method, side by side", "page",
            ("3",), True),
    Command("freeze", "Freeze", "hold what is shown; acquisition goes on", "view",
            ("Space",), True),
    Command("lock", "Lock levels", "keep the colour levels as they are", "view", ("L",),
            True),
    Command("automatic", "Automatic levels", "let them follow the data again", "view",
            ("A",), has_button=False),
    Command("fit", "Fit", "show the whole image", "view", ("F",)),
    Command("earlier", "Earlier", "the revision before", "view", ("Alt+Left",),
            has_button=False),
    Command("later", "Later", "the revision after", "view", ("Alt+Right",),
            has_button=False),
    Command("newest", "Newest", "follow the newest revision again", "view", ("End",),
            has_button=False),
    Command("profile", "Profile", "draw a line on any map to see what lies along it",
            "tool", ("P",), True),
    Command("ruler", "Ruler", "draw a line on any map to measure it", "tool", ("M",), True),
    Command("region", "Region", "draw a rectangle on any map to see its statistics",
            "tool", ("R",), True),
    Command("put_away", "Put away", "move the maps again; arrow keys move what is drawn "
            "until then", "tool", ("Esc",), has_button=False),
    Command("remove", "Remove", "what the tool has drawn", "tool", ("Delete",),
            has_button=False),
    Command("pause", "Pause", "stored frames wait, nothing is solved; again goes on",
            "series", ("Ctrl+P",), True),
    Command("reset", "Reset", "solve the series anew from its frames", "series",
            ("Ctrl+R",)),
    Command("end", "End series", "no more frames: compute the final result", "series",
            ("Ctrl+Return",)),
    Command("aside", "Set aside", "leave the selected frame out", "series", ("D",),
            has_button=False),
    Command("use", "Use", "use the selected frame whatever its fit", "series", ("U",),
            has_button=False),
    Command("judge", "As it fits", "let the fit decide on the selected frame", "series",
            ("J",), has_button=False),
    Command("snapshot", "Snapshot", "the window as PNG, into the current folder", "file",
            ("S",)),
    Command("export", "Export", "the revision that is shown, as calibrated files", "file",
            ("E",)),
    Command("keys", "?", "this list", "help", ("?", "F1"), True),
)  # fmt: skip

MOUSE = (
    ("Wheel", "closer and farther, all maps together"),
    ("Drag", "moves the maps; with a tool it draws; drags levels and ends of lines"),
    ("Double click", "on the levels: automatic again"),
    ("Right click", "on a frame: what can be done with it"),
)
"""What the mouse does, for the list of keys."""


def key_text(command: Command) -> str:
    """Return how its key is told; empty where it has none."""
    return command.keys[0] if command.keys else ""


def in_group(group: Group) -> tuple[Command, ...]:
    """Return the commands of a group, in their order."""
    return tuple(command for command in COMMANDS if command.group == group)
