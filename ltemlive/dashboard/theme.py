"""How the window looks: colours, typeface and spacing of every part, dark or light.

A style sheet dresses what Qt draws, by the properties ``role`` and ``level`` of a widget.
What pyqtgraph draws, and what is measured in pixels of text, has a method ``wear(theme)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

if TYPE_CHECKING:
    from ltemlive.dashboard.shown.look import Look

MARGIN_PX = 10
"""Between cards and around the window."""
PADDING_PX = 12
"""Inside a card."""

_FAMILIES = ["Inter", "Segoe UI", "Noto Sans", "DejaVu Sans", "Sans Serif"]
TEXT_PX = 13
"""Usual size of text."""
_FIGURE_PX = 22
"""Size of the key figures."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by their use, as ``#rrggbb``, and how large text is."""

    background: str
    card: str
    line: str
    text: str
    muted: str
    accent: str
    good: str
    warning: str
    bad: str
    text_scale: float = 1.0

    def px(self, usual_px: float) -> int:
        """Return a length that grows with the text."""
        return round(self.text_scale * usual_px)


DARK = Theme(
    background="#12151a",
    card="#1a1f26",
    line="#2b323c",
    text="#e8ebef",
    muted="#8e99a6",
    accent="#57b6c4",
    good="#63c182",
    warning="#e3b04b",
    bad="#e8706a",
)

LIGHT = Theme(
    background="#eef0f3",
    card="#ffffff",
    line="#d3d8df",
    text="#1b2129",
    muted="#57616d",
    accent="#0b6f81",
    good="#17722f",
    warning="#855600",
    bad="#bd2a28",
)

THEMES = MappingProxyType({"dark": DARK, "light": LIGHT})


def theme_of(look: Look) -> Theme:
    """Return the theme that a look asks for, its size of text included."""
    return replace(THEMES[look.theme], text_scale=look.text_scale)


def apply_theme(application: QtWidgets.QApplication, theme: Theme = DARK) -> None:
    """Give the whole application the palette, the typeface and the style of a theme."""
    application.setStyle("Fusion")
    application.setPalette(palette(theme))
    font = QtGui.QFont()
    font.setFamilies(_FAMILIES)
    # Axes are drawn in the application's font, whatever the style sheet says.
    font.setPixelSize(theme.px(TEXT_PX))
    application.setFont(font)
    application.setStyleSheet(style_sheet(theme))


def style_sheet(theme: Theme) -> str:
    """Return the style of every role and level in the colours of a theme."""
    return f"""
* {{ font-size: {theme.px(TEXT_PX)}px; }}
QFrame[role="card"] {{
    background: {theme.card}; border: 1px solid {theme.line}; border-radius: 6px;
}}
QLabel {{ background: transparent; border: none; }}
QLabel[role="title"] {{ color: {theme.text}; font-weight: 600; }}
QLabel[role="muted"] {{ color: {theme.muted}; }}
QLabel[role="figure"] {{
    color: {theme.text}; font-size: {theme.px(_FIGURE_PX)}px; font-weight: 600;
}}
QLabel[role="banner"] {{
    background: {theme.card}; color: {theme.text}; padding: 7px 12px;
    border: 1px solid {theme.line}; border-left: 4px solid {theme.accent};
    border-radius: 4px;
}}
QLabel[role="banner"][level="warning"] {{ border-left-color: {theme.warning}; }}
QLabel[role="banner"][level="error"] {{ border-left-color: {theme.bad}; }}
QLabel[role="muted"][level="warning"] {{ color: {theme.warning}; }}
QLabel[role="title"][level="good"] {{ color: {theme.good}; }}
QLabel[role="title"][level="warning"] {{ color: {theme.warning}; }}
QLabel[role="title"][level="bad"] {{ color: {theme.bad}; }}
QPushButton, QToolButton {{
    background: {theme.card}; border: 1px solid {theme.line}; border-radius: 4px;
    padding: 4px 9px;
}}
QPushButton:hover, QToolButton:hover {{ border-color: {theme.accent}; }}
QPushButton:checked, QToolButton:checked {{
    background: {theme.accent}; color: {theme.background}; border-color: {theme.accent};
}}
QPushButton:disabled, QToolButton:disabled {{ color: {theme.muted}; }}
QTabWidget::pane {{ border: none; }}
QTabBar::tab {{
    background: transparent; color: {theme.muted}; border: none; padding: 2px 10px 4px 0;
    font-weight: 600;
}}
QTabBar::tab:selected {{ color: {theme.text}; }}
QSplitter::handle {{ background: transparent; }}
QComboBox, QDoubleSpinBox {{ min-height: {theme.px(22)}px; }}
QCheckBox::indicator {{
    width: {theme.px(12)}px; height: {theme.px(12)}px; border-radius: 3px;
    border: 1px solid {theme.muted}; background: transparent;
}}
QCheckBox::indicator:checked {{
    border-color: {theme.accent}; background: {theme.accent};
}}
QTableView {{
    background: transparent; border: none; gridline-color: transparent;
    selection-background-color: {theme.line}; selection-color: {theme.text};
}}
QHeaderView {{ background: transparent; }}
QHeaderView::section {{
    background: transparent; color: {theme.muted}; border: none;
    border-bottom: 1px solid {theme.line}; padding: 3px;
}}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar::handle:vertical {{
    background: {theme.line}; border-radius: 4px; min-height: 24px;
}}
QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{ background: transparent; }}
QToolTip {{
    background: {theme.card}; color: {theme.text}; border: 1px solid {theme.line};
}}
"""


def palette(theme: Theme) -> QtGui.QPalette:
    """Return the colours by role, for whatever the style sheet does not name."""
    role = QtGui.QPalette.ColorRole
    colours = {
        role.Window: theme.background,
        role.WindowText: theme.text,
        role.Base: theme.card,
        role.AlternateBase: theme.background,
        role.Text: theme.text,
        role.Button: theme.card,
        role.ButtonText: theme.text,
        role.ToolTipBase: theme.card,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.background,
        role.Link: theme.accent,
    }
    made = QtGui.QPalette()
    for place, colour in colours.items():
        made.setColor(place, QtGui.QColor(colour))
    return made


def label(role: str, text: str = "") -> QtWidgets.QLabel:
    """Return a label in one of the roles: title, muted, plain, figure or banner."""
    made = QtWidgets.QLabel(text)
    # Names come from outside: no mark-up in them is ever obeyed.
    made.setTextFormat(QtCore.Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    return made


def set_level(widget: QtWidgets.QWidget, level: str) -> None:
    """Dress a title as good, warning or bad; a banner as info, warning or error."""
    if widget.property("level") != level:
        widget.setProperty("level", level)
        # Qt looks at properties only when it polishes.
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def card() -> QtWidgets.QFrame:
    """Return an empty frame that looks like every other part of the window."""
    frame = QtWidgets.QFrame()
    frame.setProperty("role", "card")
    return frame
