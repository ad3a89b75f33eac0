"""What the tour does, step by step: what a user would, waiting until it is to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtWidgets

from ltemlive.dashboard.shown.look import CHOICES, Look
from ltemlive.dashboard.tools.kinds import TOOLS
from ltemlive.errors import LtemLiveError
from ltemlive.physics.edges import EdgeFit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tour_hand import Hand

SOLVED_WITHIN_S = 600.0

# Places on the demo's film, as shares (y, x) of the maps.
_A_DOMAIN = (0.83, 0.66)
_ACROSS_AN_EDGE = (0.794, 0.01), (0.794, 0.14)
_WIDTH_NM = 40.0
_ALONG_A_SIDE = (0.72, 0.485), (0.72, 0.685)
_IN_A_DOMAIN = (0.78, 0.61), (0.88, 0.67)


def watch(hand: Hand) -> None:
    """Wait for the result, and point at the film."""

    def is_final() -> bool:
        drawn = hand.window.drawn
        return (
            drawn is not None
            and drawn.estimate is not None
            and drawn.estimate.is_final
            and drawn.status is not None
            and drawn.status.state == "waiting"
        )

    hand.until("the final result", is_final, timeout_s=SOLVED_WITHIN_S)
    hand.still()
    hand.point(hand.face.live.phase, _A_DOMAIN)
    hand.until("values under the pointer", hand.face.live.phase.read_out.text)


def go_back(hand: Hand) -> None:
    """Go back to the first phase that was shown."""
    drawn = hand.window.drawn
    first = drawn.history.entries[0] if drawn is not None else None
    for _ in range(hand.face.history.slider.maximum()):
        hand.press("Alt+Left")
    hand.until("the first revision", lambda: hand.window.estimate is first)


def dress(hand: Hand) -> None:
    """Choose contours, and colours for everybody, on the card."""
    hand.face.look.click()
    controls = hand.face.look.card.controls
    for name, choice in (("contours", True), ("wheel", "blue-yellow")):
        control = controls[name]
        if isinstance(control, QtWidgets.QComboBox):
            control.setCurrentIndex(CHOICES[name].index(choice))
        elif isinstance(control, QtWidgets.QCheckBox):
            control.setChecked(bool(choice))
    look = Look(contours=True, wheel="blue-yellow")
    hand.until("contours and other colours", lambda: hand.window.look == look)


def dress_for_paper(hand: Hand) -> None:
    """Have the window light, with axes and contours."""
    hand.press("T", "X", "C", "]")
    look = Look(theme="light", axes=True, contours=True, contours_per_turn=2)
    hand.until("the light theme", lambda: hand.window.look == look)


def ask_how_sure(hand: Hand) -> None:
    """Have the uncertainty of the phase beside it."""
    hand.press("G")
    window = hand.window
    hand.until("the uncertainty", lambda: window.look.second == "uncertainty")
    if window.estimate is None or window.estimate.phase_sigma_rad is None:
        raise LtemLiveError("tour: expected a phase with its uncertainty, got none")


def draw_profile(hand: Hand) -> None:
    """Draw a line across an edge."""
    hand.press("P")
    hand.drag(hand.face.live.phase, *_ACROSS_AN_EDGE)
    tools = hand.face.tools
    tools.profile_panel.width_nm.setValue(_WIDTH_NM)
    hand.until("an edge in the profile", lambda: isinstance(tools.edge, EdgeFit))


def measure(hand: Hand) -> None:
    """Measure a domain with the region, and a side with the ruler."""
    hand.press("R")
    hand.drag(hand.face.live.induction, *_IN_A_DOMAIN)
    hand.press("M")
    hand.drag(hand.face.live.phase, *_ALONG_A_SIDE)
    hand.until("statistics", lambda: hand.face.tools.statistics is not None)


def look_at_frame(hand: Hand) -> None:
    """Look at the most defocused frame beside its prediction."""
    _choose_defocused(hand)
    hand.press("2")
    window, requests = hand.window, hand.window.requests

    def is_predicted() -> bool:
        view = window.drawn.frame_view if window.drawn is not None else None
        return view is not None and view.seq == requests.seq

    hand.until("the prediction of a frame", is_predicted)


def set_aside(hand: Hand) -> None:
    """Open the menu of a frame."""
    where = _choose_defocused(hand)
    menu = QtWidgets.QMenu(hand.face.frames)
    menu.addActions(hand.face.frames.actions())
    menu.popup(hand.face.frames.viewport().mapToGlobal(where))
    hand.until("the menu", menu.isVisible)


def compare(hand: Hand) -> None:
    """Compare the result with transport of intensity."""
    hand.press("3")
    page = hand.face.compare
    hand.until("both phases", lambda: page.figures.text().startswith("second"))


def list_keys(hand: Hand) -> None:
    """Open the list of keys."""
    hand.press("F1")
    hand.until("the list of keys", hand.window.help.isVisible)


STEPS: dict[str, Callable[[Hand], None]] = {
    "dashboard.png": watch,
    "tour-history.png": go_back,
    "tour-look.png": dress,
    "tour-light.png": dress_for_paper,
    "tour-uncertainty.png": ask_how_sure,
    "tour-profile.png": draw_profile,
    "tour-region.png": measure,
    "tour-frame.png": look_at_frame,
    "tour-aside.png": set_aside,
    "tour-compare.png": compare,
    "tour-keys.png": list_keys,
}


def take_tour(hand: Hand, *, say: Callable[[str], None]) -> None:
    """Take every step, and photograph it."""
    for name, step in STEPS.items():
        step(hand)
        hand.picture(name)
        say(f"{name}: {(step.__doc__ or '').strip()}")
        tidy(hand)


def tidy(hand: Hand) -> None:
    """Leave the window as a user finds it."""
    for widget in QtWidgets.QApplication.topLevelWidgets():
        if isinstance(widget, QtWidgets.QMenu):
            widget.close()
            widget.deleteLater()
    hand.face.look.card.hide()
    for tool in TOOLS:
        hand.face.tools.place(tool, None)
    hand.face.tools.choose(None)
    hand.face.tools.profile_panel.width_nm.setValue(0.0)
    hand.window.actions_["keys"].setChecked(False)
    hand.window.set_look(Look())
    hand.face.frames.choose(None)
    hand.face.tabs.setCurrentIndex(0)
    hand.press("1", "End")


def _choose_defocused(hand: Hand) -> QtCore.QPoint:
    drawn = hand.window.drawn
    defoci = [abs(row.defocus_nm or 0.0) for row in drawn.frames] if drawn else []
    if not defoci:
        raise LtemLiveError("tour: expected a session with frames, got none")
    return hand.choose_frame(defoci.index(max(defoci)))
