from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

import pyqtgraph as pg
from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.measured import HEAD_LINES, QUANTITIES, statistics_rows
from ltemlive.dashboard.shown.measuring import (
    Region,
    Segment,
    profile_of,
    statistics_of,
)
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge
from ltemlive.dashboard.tools.saving import ask_path
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.physics.edges import FWHM_PER_SIGMA, EdgeFit, EdgeShape, NoEdge
from ltemlive.wire.results import decode_result, encode_result

SIDE_PX, PIXEL_NM = 48, 10.0
LINE = ((240.0, 100.0), (240.0, 400.0))
BUTTON = QtCore.Qt.MouseButton


@pytest.fixture
def window(qtbot, qapp, monkeypatch):
    """A window that redraws only when the test says so, and sees every mouse move."""
    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", -1)
    made = DashboardWindow(clock=lambda: 100.0)
    made._timer.stop()
    qtbot.addWidget(made)
    made.resize(1366, 728)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def show(window, estimate_of):
    """Return a way to draw an estimate with an edge of some width at x = 240 nm."""

    def shown(*, sigma_nm=20.0, rev=1, **changes):
        x = (np.arange(SIDE_PX) + 0.5) * PIXEL_NM
        row = EdgeShape(3.0, 240.0, sigma_nm, 0.0, 0.0).at(x)
        phase = np.tile(row, (SIDE_PX, 1)).astype(np.float32)
        message = estimate_of(phase_rad=phase, amplitude=phase, rev=rev, **changes)
        decoded = decode_result(encode_result(message))
        snapshot = merge(DisplaySnapshot(), decoded, now=100.0)
        window.accept(snapshot)
        window.redraw()
        return snapshot.estimate

    return shown


def drag(panel, start_nm, end_nm):
    """Drag with the left button from one point (y, x) of a map to another, in steps."""
    viewport, canvas = panel._canvas.viewport(), panel._canvas
    ends = [
        QtCore.QPointF(canvas.mapFromScene(panel.view.mapViewToScene(QtCore.QPointF(x, y))))
        for y, x in (start_nm, end_nm)
    ]
    (start, end), kinds = ends, QtCore.QEvent.Type

    def send(kind, place, button, buttons):
        globally = QtCore.QPointF(viewport.mapToGlobal(place.toPoint()))
        event = QtGui.QMouseEvent(
            kind, place, globally, button, buttons, QtCore.Qt.KeyboardModifier.NoModifier
        )
        QtWidgets.QApplication.sendEvent(viewport, event)

    send(kinds.MouseMove, start, BUTTON.NoButton, BUTTON.NoButton)
    send(kinds.MouseButtonPress, start, BUTTON.LeftButton, BUTTON.LeftButton)
    for share in (0.25, 0.5, 0.75, 1.0):
        place = start + share * (end - start)
        send(kinds.MouseMove, place, BUTTON.NoButton, BUTTON.LeftButton)
    send(kinds.MouseButtonRelease, end, BUTTON.LeftButton, BUTTON.NoButton)


def assert_same_profile(one, other):
    for quantity in QUANTITIES:
        np.testing.assert_array_equal(
            getattr(one, quantity.field), getattr(other, quantity.field)
        )


def assert_drawn_everywhere(tools, tool, shape):
    assert [overlay.shape for overlay in tools.overlays[tool]] == [shape] * 3


def test_without_a_tool_a_drag_moves_the_maps(window, show):
    show()
    window.face.live.phase.view.setRange(xRange=(100, 300), yRange=(100, 300), padding=0)
    before = window.face.live.phase.view.viewRect()
    drag(window.face.live.phase, (200.0, 150.0), (200.0, 250.0))
    assert window.face.live.phase.view.viewRect().x() < before.x() - 50.0
    assert window.face.tools.segment is None


@pytest.mark.parametrize("panel", ["phase", "second", "induction"])
def test_a_line_drawn_on_one_map_is_on_all_and_has_a_profile(window, show, panel):
    estimate, tools = show(), window.face.tools
    before = window.face.live.phase.view.viewRect()
    window.actions_["profile"].trigger()
    assert tools.chosen == "profile"
    assert window.face.tools.profile_panel.isVisible()
    drag(getattr(window.face.live, panel), *LINE)
    assert window.face.live.phase.view.viewRect() == before
    np.testing.assert_allclose(
        (tools.segment.start_nm, tools.segment.end_nm), LINE, atol=2.0
    )
    assert_drawn_everywhere(tools, "profile", tools.segment)
    assert_same_profile(tools.profile, profile_of(estimate, tools.segment))
    shown = tools.profile_panel._curve.getOriginalDataset()[1]
    np.testing.assert_array_equal(shown, tools.profile.phase_rad)


def test_the_edge_is_told_in_words_and_drawn(window, show):
    show(sigma_nm=20.0)
    tools, panel = window.face.tools, window.face.tools.profile_panel
    tools.place("profile", Segment(*LINE))
    assert isinstance(tools.edge, EdgeFit)
    assert tools.edge.fwhm_nm == pytest.approx(20.0 * FWHM_PER_SIGMA, rel=0.1)
    assert tools.edge.position_nm == pytest.approx(140.0, abs=1.0)
    assert panel.edge.text().startswith("FWHM 4")
    assert panel._fitted.getOriginalDataset()[1] is not None
    tools.place("profile", Segment((240.0, 10.0), (240.0, 100.0)))
    assert isinstance(tools.edge, NoEdge)
    assert tools.edge.reason in panel.edge.text()
    assert panel._fitted.getOriginalDataset()[1] is None


def test_an_end_of_a_line_is_dragged_on_another_map(window, show):
    show()
    tools = window.face.tools
    tools.place("profile", Segment(*LINE))
    drag(window.face.live.induction, LINE[1], (340.0, 300.0))
    assert tools.segment.start_nm == pytest.approx(LINE[0])
    np.testing.assert_allclose(tools.segment.end_nm, (340.0, 300.0), atol=2.0)
    assert_drawn_everywhere(tools, "profile", tools.segment)


def test_a_whole_line_is_dragged_by_its_middle_though_a_tool_is_chosen(window, show):
    show()
    tools = window.face.tools
    tools.choose("profile")
    tools.place("profile", Segment(*LINE))
    drag(window.face.live.phase, (240.0, 200.0), (300.0, 200.0))
    np.testing.assert_allclose(
        (tools.segment.start_nm, tools.segment.end_nm),
        ((300.0, 100.0), (300.0, 400.0)),
        atol=2.0,
    )
    assert_drawn_everywhere(tools, "profile", tools.segment)


def test_another_quantity_is_drawn_and_its_edge_sought(window, show):
    show()
    tools, panel = window.face.tools, window.face.tools.profile_panel
    tools.place("profile", Segment(*LINE))
    panel.quantity.setCurrentIndex(1)
    assert tools.quantity is QUANTITIES[1]
    shown = panel._curve.getOriginalDataset()[1]
    np.testing.assert_array_equal(shown, tools.profile.gradient_mrad_per_nm)
    assert isinstance(tools.edge, NoEdge)
    assert panel.plot.getAxis("left").labelText == "mrad/nm"


def test_the_width_is_that_of_the_box_for_every_line(window, show):
    estimate, tools = show(), window.face.tools
    tools.profile_panel.width_nm.setValue(80.0)
    assert tools.segment is None
    tools.choose("profile")
    tools.draw(*LINE)
    assert tools.segment == Segment(*LINE, width_nm=80.0)
    assert_drawn_everywhere(tools, "profile", tools.segment)
    tools.profile_panel.width_nm.setValue(40.0)
    assert tools.segment == Segment(*LINE, width_nm=40.0)
    assert_same_profile(tools.profile, profile_of(estimate, tools.segment))


def test_what_is_drawn_stays_and_its_numbers_follow_each_estimate(window, show):
    show(sigma_nm=20.0)
    tools, region = window.face.tools, Region(100.0, 200.0, 200.0, 300.0)
    tools.place("profile", Segment(*LINE))
    tools.place("region", region)
    before = tools.edge, tools.statistics
    told = []
    tools.changed.connect(lambda: told.append(tools.edge))
    newer = show(sigma_nm=30.0, rev=2)
    assert tools.edge.fwhm_nm > 1.3 * before[0].fwhm_nm
    assert tools.statistics != before[1]
    assert tools.statistics == statistics_of(newer, region)
    assert told[-1] is tools.edge
    assert_drawn_everywhere(tools, "profile", Segment(*LINE))
    assert_drawn_everywhere(tools, "region", region)


def test_a_frozen_view_keeps_its_numbers(window, show):
    show(sigma_nm=20.0)
    window.face.tools.place("profile", Segment(*LINE))
    before = window.face.tools.edge
    window.actions_["freeze"].trigger()
    show(sigma_nm=30.0, rev=2)
    assert window.face.tools.edge is before
    window.actions_["freeze"].trigger()
    assert window.face.tools.edge.fwhm_nm > before.fwhm_nm


def test_without_an_estimate_nothing_is_drawn_or_measured(window, show):
    tools = window.face.tools
    tools.choose("profile")
    assert not any(sheet.isVisible() for sheet in tools.sheets)
    show()
    assert all(sheet.isVisible() for sheet in tools.sheets)
    tools.place("profile", Segment(*LINE))
    tools.place("region", Region(0.0, 0.0, 100.0, 100.0))
    window.accept(DisplaySnapshot())
    window.redraw()
    assert (tools.profile, tools.edge, tools.statistics) == (None, None, None)
    assert_drawn_everywhere(tools, "profile", None)
    tools.move(1.0, 1.0)
    assert tools.segment == Segment(*LINE)
    assert not tools.profile_panel.save.isEnabled()
    show(rev=3)
    assert_drawn_everywhere(tools, "profile", Segment(*LINE))


def test_a_ruler_tells_length_and_direction_on_every_map(window, show):
    show()
    tools = window.face.tools
    tools.choose("ruler")
    drag(window.face.live.second, (300.0, 100.0), (100.0, 300.0))
    assert tools.ruler.length_nm == pytest.approx(282.8, abs=4.0)
    assert tools.ruler.angle_deg == pytest.approx(45.0, abs=1.0)
    assert_drawn_everywhere(tools, "ruler", tools.ruler)
    tools.place("ruler", Segment((300.0, 100.0), (100.0, 300.0)))
    for overlay in tools.overlays["ruler"]:
        text = overlay._text.toPlainText().replace("\u202f", " ")
        assert text == "282.8 nm   45\u00b0"
    assert (tools.segment, tools.profile) == (None, None)


def test_a_region_is_drawn_and_its_statistics_are_a_table(window, show):
    estimate, tools = show(), window.face.tools
    tools.choose("region")
    drag(window.face.live.phase, (300.0, 300.0), (100.0, 150.0))
    corners = tools.region.top_nm, tools.region.left_nm
    np.testing.assert_allclose(corners, (100.0, 150.0), atol=2.0)
    assert tools.statistics == statistics_of(estimate, tools.region)
    assert tools.region_panel.isVisible()
    assert tools.region_panel.rows() == statistics_rows(tools.statistics)
    assert f"{tools.statistics.n_pixels} pixels" in tools.region_panel.heading.text()


def test_a_region_is_dragged_by_its_corners(window, show):
    show()
    tools = window.face.tools
    tools.place("region", Region(100.0, 150.0, 300.0, 300.0))
    drag(window.face.live.induction, (300.0, 300.0), (350.0, 400.0))
    drag(window.face.live.second, (100.0, 150.0), (50.0, 90.0))
    region = tools.region
    np.testing.assert_allclose(
        (region.top_nm, region.left_nm, region.bottom_nm, region.right_nm),
        (50.0, 90.0, 350.0, 400.0),
        atol=4.0,
    )
    for overlay in tools.overlays["region"]:
        assert overlay.shape.right_nm == pytest.approx(region.right_nm)


def test_a_tool_is_put_away_by_its_own_button_or_escape_and_its_drawing_stays(
    window, show, qtbot
):
    show()
    tools = window.face.tools
    ruler = window.actions_["ruler"]
    ruler.trigger()
    tools.draw(*LINE)
    ruler.trigger()
    assert (tools.chosen, ruler.isChecked()) == (None, False)
    qtbot.keyClick(window, QtCore.Qt.Key.Key_R)
    assert tools.chosen == "region"
    assert not ruler.isChecked()
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Escape)
    assert tools.chosen is None
    tools.draw((0.0, 0.0), (9.0, 9.0))
    assert (tools.ruler, tools.region) == (Segment(*LINE), None)


def test_delete_removes_what_the_chosen_tool_or_else_the_last_one_has_drawn(
    window, show, qtbot
):
    show()
    tools = window.face.tools
    tools.remove()
    tools.place("profile", Segment(*LINE))
    tools.place("region", Region(0.0, 0.0, 100.0, 100.0))
    tools.place("ruler", Segment(*LINE))
    qtbot.keyClick(window, QtCore.Qt.Key.Key_P)
    qtbot.waitUntil(lambda: tools.chosen == "profile")
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Delete)
    assert (tools.segment, tools.profile, tools.edge) == (None, None, None)
    assert_drawn_everywhere(tools, "profile", None)
    tools.choose(None)
    tools.place("region", Region(0.0, 0.0, 50.0, 50.0))
    tools.remove()
    assert (tools.region, tools.statistics) == (None, None)
    assert_drawn_everywhere(tools, "region", None)
    assert tools.ruler is not None


def test_arrow_keys_move_what_the_chosen_tool_has_drawn_by_a_pixel(window, show, qtbot):
    show()
    tools = window.face.tools
    tools.place("profile", Segment(*LINE))
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Down)
    assert tools.segment == Segment(*LINE)
    tools.choose("profile")
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Down)
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Left)
    assert tools.segment == Segment((250.0, 90.0), (250.0, 390.0))
    tools.choose("region")
    tools.place("region", Region(0.0, 0.0, 50.0, 50.0))
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Right)
    assert tools.region == Region(0.0, 10.0, 50.0, 60.0)


def test_a_profile_is_saved_whole_for_other_tools_to_read(
    window, show, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    show(rev=12, series="disc no. 7 / left")
    tools, asked = window.face.tools, []

    def ask(parent, proposed, take):
        asked.append((parent, proposed.name))
        # Estimates come while the user looks for a place.
        show(sigma_nm=40.0, rev=13)
        take(proposed)

    tools._ask = ask
    tools.save()
    assert asked == []
    tools.place("profile", Segment(*LINE))
    before = tools.profile
    tools.profile_panel.save.click()
    (path,) = tmp_path.iterdir()
    assert path.name == "ltemlive-0001-disc_no._7_left-rev12-profile.csv"
    assert asked == [(tools.profile_panel, path.name)]
    read = np.genfromtxt(path, delimiter=",", names=True, skip_header=HEAD_LINES)
    np.testing.assert_allclose(read["phase_rad"], before.phase_rad, rtol=1e-6, atol=1e-9)
    assert "# revision: 12" in path.read_text(encoding="utf-8").splitlines()
    assert window.face.banner.text() == f"Saved as {path}"


def test_a_profile_that_cannot_be_saved_is_said_so(window, show, tmp_path):
    show()
    tools = window.face.tools
    tools.place("profile", Segment(*LINE))
    tools._ask = lambda *_: None
    tools.save()
    assert window.face.banner.isHidden()
    tools._ask = lambda _parent, _proposed, take: take(tmp_path / "gone" / "profile.csv")
    tools.save()
    assert "put the folder back" in window.face.banner.text()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_accepted", [True, False])
def test_the_place_is_asked_for_beside_a_window_that_goes_on(
    qtbot, window, show, tmp_path, is_accepted
):
    taken = []
    ask_path(window, tmp_path / "disc-profile", taken.append)
    (dialog,) = window.findChildren(QtWidgets.QFileDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    show(rev=99)
    assert window.drawn.estimate.rev == 99
    if is_accepted:
        dialog.accept()
    else:
        dialog.reject()
    del dialog
    qtbot.waitUntil(lambda: window.findChildren(QtWidgets.QFileDialog) == [])
    assert taken == ([tmp_path / "disc-profile.csv"] if is_accepted else [])


def test_tools_wear_the_theme(window, show):
    show()
    tools, panel = window.face.tools, window.face.tools.profile_panel
    tools.place("profile", Segment(*LINE))
    tools.wear(theme.LIGHT)
    assert panel._curve.opts["pen"].color().name() == theme.LIGHT.accent
    panel.quantity.setCurrentIndex(1)
    assert panel.plot.getAxis("left").labelStyle["color"] == theme.LIGHT.muted


def test_no_tool_makes_the_window_larger_than_a_small_screen(window, show):
    show()
    tools = window.face.tools
    tools.place("profile", Segment((240.0, 10.0), (240.0, 290.0)))
    tools.place("region", Region(0.0, 0.0, 400.0, 400.0))
    for tool in ("profile", "region"):
        tools.choose(tool)
        smallest = window.minimumSizeHint()
        assert smallest.width() <= 1366
        assert smallest.height() <= 700
