"""A hand on the window, as a user's: presses keys, drags, waits until it sees something."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

from ltemlive.errors import LtemLiveError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from ltemlive.dashboard.panels.image_panel import ImagePanel
    from ltemlive.dashboard.window import DashboardWindow

    Place: TypeAlias = tuple[float, float]

_KINDS = QtCore.QEvent.Type
_LEFT, _NONE = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.MouseButton.NoButton
_STEPS_OF_A_DRAG = 8
_LOOK_MS = 20
"""How long events are seen to between two looks."""
_LAST_COLUMN = 6
MOST_BYTES = 400_000
"""Of a picture; readers wait for it, and every version of it is kept."""
_LEVEL_STEP = 2
"""Half as many levels of each colour are not seen, and take a fifth less."""


class Hand:
    """Does to a window what a user does; places on a map are shares (y, x) of its sides.

    Parameters
    ----------
    window
        Open, and shown.
    images
        Folder for the pictures, there already.
    check
        Called at every look; raises where waiting on is of no use.
    timeout_s
        How long to wait for what is to be seen.
    """

    def __init__(
        self,
        window: DashboardWindow,
        images: Path,
        *,
        check: Callable[[], None] = lambda: None,
        timeout_s: float = 60.0,
    ) -> None:
        self.window = window
        self.face = window.face
        self._images = images
        self._check = check
        self._timeout_s = timeout_s

    def until(
        self, what: str, is_seen: Callable[[], object], *, timeout_s: float | None = None
    ) -> None:
        """Let the window live until something is to be seen.

        Raises
        ------
        LtemLiveError
            If it is not seen in time.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + limit_s
        while not is_seen():
            self._check()
            if time.monotonic() > deadline:
                raise LtemLiveError(
                    f"tour: expected {what} within {limit_s:g} s, did not see it"
                )
            QtTest.QTest.qWait(_LOOK_MS)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, each as `?` lists it."""
        self.window.activateWindow()
        self.until("the window to take keys", self.window.isActiveWindow)
        for key in keys:
            stroke = QtGui.QKeySequence(key)[0]
            QtTest.QTest.keyClick(self.window, stroke.key(), stroke.keyboardModifiers())

    def point(self, panel: ImagePanel, place: Place) -> None:
        """Move the pointer to a place of a map."""
        self._send(panel, _KINDS.MouseMove, place, _NONE, _NONE)

    def drag(self, panel: ImagePanel, start: Place, end: Place) -> None:
        """Drag with the left button from one place of a map to another."""
        self.point(panel, start)
        self._send(panel, _KINDS.MouseButtonPress, start, _LEFT, _LEFT)
        for step in range(1, _STEPS_OF_A_DRAG + 1):
            share = step / _STEPS_OF_A_DRAG
            between = tuple(
                (1.0 - share) * one + share * other
                for one, other in zip(start, end, strict=True)
            )
            self._send(panel, _KINDS.MouseMove, (between[0], between[1]), _NONE, _LEFT)
        self._send(panel, _KINDS.MouseButtonRelease, end, _LEFT, _NONE)

    def choose_frame(self, row: int) -> QtCore.QPoint:
        """Click on a row of the table of frames, far to the right, and return where."""
        table = self.face.frames
        where = table.visualRect(table.model().index(row, _LAST_COLUMN)).center()
        QtTest.QTest.mouseClick(table.viewport(), _LEFT, pos=where)
        return where

    def still(self) -> QtGui.QPixmap:
        """Return what is on screen once it stands still, and the daemon is heard."""
        shots = [self.shot()]

        def stands_still() -> bool:
            shots.append(self.shot())
            is_same = shots[-1].toImage() == shots.pop(0).toImage()
            return is_same and "live" in self.face.header.connection.text()

        QtTest.QTest.qWait(_LOOK_MS)
        self.until("a window that stands still", stands_still)
        return shots[-1]

    def picture(self, name: str) -> None:
        """Save what is on screen once it stands still, as PNG of this name."""
        path = self._images / name
        try:
            write_small(self.still().toImage(), path)
        except OSError as error:
            raise LtemLiveError(f"{path}: expected a place for a PNG: {error}") from error

    def shot(self) -> QtGui.QPixmap:
        """Return the window with what lies over it."""
        shot = self.window.grab()
        painter = QtGui.QPainter(shot)
        for widget in QtWidgets.QApplication.topLevelWidgets():
            is_over = widget.windowFlags() & QtCore.Qt.WindowType.Popup == (
                QtCore.Qt.WindowType.Popup
            )
            if is_over and widget.isVisible():
                corner = self.window.mapFromGlobal(widget.mapToGlobal(QtCore.QPoint()))
                painter.drawPixmap(corner, widget.grab())
        painter.end()
        return shot

    def _send(
        self,
        panel: ImagePanel,
        kind: QtCore.QEvent.Type,
        place: Place,
        button: QtCore.Qt.MouseButton,
        buttons: QtCore.Qt.MouseButton,
    ) -> None:
        shown = panel.image.sceneBoundingRect()
        y, x = place
        point = shown.topLeft() + QtCore.QPointF(x * shown.width(), y * shown.height())
        canvas = panel.view.scene().views()[0]
        where = QtCore.QPointF(canvas.mapFromScene(point))
        globally = QtCore.QPointF(canvas.viewport().mapToGlobal(where.toPoint()))
        event = QtGui.QMouseEvent(
            kind, where, globally, button, buttons, QtCore.Qt.KeyboardModifier.NoModifier
        )
        QtWidgets.QApplication.sendEvent(canvas.viewport(), event)


def write_small(shot: QtGui.QImage, path: Path) -> None:
    """Write a picture as PNG; one that noise makes large with 256 colours."""
    rgb = shot.convertToFormat(QtGui.QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), -1)
    levels = np.minimum(
        np.rint(rows[:, : 3 * rgb.width()] / _LEVEL_STEP) * _LEVEL_STEP, 255
    )
    pixels = levels.astype(np.uint8).reshape(rgb.height(), rgb.width(), 3)
    picture = Image.fromarray(pixels)
    picture.save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        few = picture.quantize(256, kmeans=2)
        # Dithered, or the colour maps would have steps.
        picture.quantize(palette=few).save(path, optimize=True)
