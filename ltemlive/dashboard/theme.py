"""One dark look: colours, typeface and spacing of every part of the window."""

from __future__ import annotations

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

BACKGROUND = "#12151a"
CARD = "#1a1f26"
LINE = "#2b323c"
TEXT = "#e8ebef"
MUTED = "#8e99a6"
ACCENT = "#57b6c4"
GOOD = "#63c182"
WARNING = "#e3b04b"
BAD = "#e8706a"

MARGIN_PX = 10
"""Between cards and around the window."""
PADDING_PX = 12
"""Inside a card."""

_FAMILIES = ["Inter", "Segoe UI", "Noto Sans", "DejaVu Sans", "Sans Serif"]
_TEXT_PX = 13
FIGURE_PX = 22
"""Size of the key figures."""

_STYLE = f"""
* {{ font-size: {_TEXT_PX}px; }}
QFrame[role="card"] {{
    background: {CARD}; border: 1px solid {LINE}; border-radius: 6px;
}}
QLabel {{ background: transparent; border: none; }}
QLabel[role="title"] {{ color: {TEXT}; font-weight: 600; }}
QLabel[role="muted"] {{ color: {MUTED}; }}
QLabel[role="figure"] {{ color: {TEXT}; font-size: {FIGURE_PX}px; font-weight: 600; }}
QPushButton {{
    background: {CARD}; border: 1px solid {LINE}; border-radius: 4px; padding: 5px 12px;
}}
QPushButton:hover {{ border-color: {ACCENT}; }}
QPushButton:checked {{ background: {ACCENT}; color: {BACKGROUND}; border-color: {ACCENT}; }}
QTableView {{
    background: transparent; border: none; gridline-color: transparent;
    selection-background-color: {LINE}; selection-color: {TEXT};
}}
QHeaderView::section {{
    background: transparent; color: {MUTED}; border: none;
    border-bottom: 1px solid {LINE}; padding: 3px;
}}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{ background: transparent; }}
QToolTip {{ background: {CARD}; color: {TEXT}; border: 1px solid {LINE}; }}
"""


def apply_theme(application: QtWidgets.QApplication) -> None:
    """Give the whole application the dark palette, the typeface and the style."""
    application.setStyle("Fusion")
    application.setPalette(dark_palette())
    font = QtGui.QFont()
    font.setFamilies(_FAMILIES)
    application.setFont(font)
    application.setStyleSheet(_STYLE)


def dark_palette() -> QtGui.QPalette:
    """Return the colours by role, for whatever the style sheet does not name."""
    role = QtGui.QPalette.ColorRole
    colours = {
        role.Window: BACKGROUND,
        role.WindowText: TEXT,
        role.Base: CARD,
        role.AlternateBase: BACKGROUND,
        role.Text: TEXT,
        role.Button: CARD,
        role.ButtonText: TEXT,
        role.ToolTipBase: CARD,
        role.ToolTipText: TEXT,
        role.PlaceholderText: MUTED,
        role.Highlight: ACCENT,
        role.HighlightedText: BACKGROUND,
        role.Link: ACCENT,
    }
    palette = QtGui.QPalette()
    for place, colour in colours.items():
        palette.setColor(place, QtGui.QColor(colour))
    return palette


def label(role: str, text: str = "") -> QtWidgets.QLabel:
    """Return a label in one of the roles: title, muted or figure."""
    made = QtWidgets.QLabel(text)
    # Names come from outside: no mark-up in them is ever obeyed.
    made.setTextFormat(QtCore.Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    return made


def card() -> QtWidgets.QFrame:
    """Return an empty frame that looks like every other part of the window."""
    frame = QtWidgets.QFrame()
    frame.setProperty("role", "card")
    return frame
