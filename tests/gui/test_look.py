from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.shown.contours import contours
from ltemlive.dashboard.shown.look import CHOICES, Look
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.physics.colour import induction_rgb
from ltemlive.wire.results import decode_result, encode_result

NOW = 100.0


@pytest.fixture
def window(qtbot, qapp):
    """A window that redraws only when the test says so, and leaves the usual theme."""
    theme.apply_theme(qapp, theme.DARK)
    made = DashboardWindow(clock=lambda: NOW)
    made._timer.stop()
    qtbot.addWidget(made)
    made.resize(1366, 728)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    if made.look != Look():
        theme.apply_theme(qapp, theme.DARK)


def draw(window, *messages):
    snapshot = DisplaySnapshot()
    for message in messages:
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=NOW)
    window.accept(snapshot)
    window.redraw()
    return snapshot.estimate


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255.0 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast as WCAG 2 counts it, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", sorted(theme.THEMES))
def test_every_text_can_be_read_on_its_ground(name):
    worn = theme.THEMES[name]
    for ground in (worn.background, worn.card):
        for text in (worn.text, worn.muted, worn.good, worn.warning, worn.bad):
            assert contrast(text, ground) >= 4.5, (text, ground)
    assert contrast(worn.background, worn.accent) >= 4.5
    assert contrast(worn.text, worn.line) >= 4.5
    assert contrast(worn.accent, worn.card) >= 3.0


def test_t_changes_between_dark_and_light_while_it_runs(
    window, qtbot, estimate_of, status_of
):
    draw(window, status_of(), estimate_of())
    qtbot.keyClick(window, QtCore.Qt.Key.Key_T)
    assert window.look == Look(theme="light")
    application = QtWidgets.QApplication.instance()
    assert application.palette().window().color() == QtGui.QColor(theme.LIGHT.background)
    card = QtGui.QColor(theme.LIGHT.card)
    for view in (
        window.face.live.phase._canvas,
        window.face.live.phase._column,
        window.face.objective,
    ):
        assert view.backgroundBrush().color() == card
    state = window.face.frames.model().index(2, 5)
    colour = state.data(QtCore.Qt.ItemDataRole.ForegroundRole)
    assert colour == QtGui.QColor(theme.LIGHT.bad)
    qtbot.keyClick(window, QtCore.Qt.Key.Key_T)
    assert window.look == Look()
    assert window.face.objective.backgroundBrush().color() == QtGui.QColor(theme.DARK.card)


def test_the_connection_wears_the_colour_of_its_level(window, estimate_of):
    draw(window, estimate_of())
    text = window.face.header.connection.palette().windowText().color()
    assert window.face.header.connection.property("level") == "warning"
    assert text == QtGui.QColor(theme.DARK.warning)


def test_text_grows_and_shrinks_by_keys(window, qtbot):
    control = QtCore.Qt.KeyboardModifier.ControlModifier
    usual = window.face.header.series.fontMetrics().height()
    column_px = window.face.live.phase._beside.width()
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Plus, control)
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Equal, control)
    assert window.look.text_scale == 1.25
    assert window.face.header.series.fontMetrics().height() > 1.15 * usual
    assert window.face.live.phase._beside.width() == round(1.25 * column_px)
    qtbot.keyClick(window, QtCore.Qt.Key.Key_0, control)
    assert window.look == Look()
    qtbot.keyClick(window, QtCore.Qt.Key.Key_Minus, control)
    assert window.face.header.series.fontMetrics().height() < usual


def test_the_same_look_again_dresses_nothing(window, monkeypatch):
    monkeypatch.setattr(window, "wear", lambda _worn: pytest.fail("dressed again"))
    window.set_look(replace(window.look))


def test_the_wheel_and_the_map_change_together(window, estimate_of):
    estimate = draw(window, estimate_of())
    usual = window.face.live.induction.wheel.pixmap().toImage()
    window.set_look(Look(wheel="blue-yellow", gamma=0.5))
    wanted = induction_rgb(
        estimate.induction_t_nm,
        scale_t_nm=estimate.induction_scale_t_nm,
        wheel="blue-yellow",
        gamma=0.5,
    )
    np.testing.assert_array_equal(window.face.live.induction.image.image, wanted)
    shown = window.face.live.induction.wheel.pixmap().toImage()
    assert shown != usual
    centre = QtGui.QColor(shown.pixel(shown.width() // 2, shown.width() // 2))
    assert centre.hsvSaturation() < 40
    assert centre.value() > 80


@pytest.mark.parametrize("wheel", CHOICES["wheel"])
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_map_without_a_field_has_the_colour_of_the_middle_of_the_wheel(
    window, estimate_of, wheel, value
):
    phase = np.zeros((48, 48), np.float32)
    phase[:24] = value
    window.set_look(Look(wheel=wheel, gamma=0.5))
    draw(window, estimate_of(phase_rad=phase, amplitude=np.ones_like(phase)))
    nothing = induction_rgb(np.zeros((2, 1, 1), np.float32), wheel=wheel)
    assert (window.face.live.induction.image.image == nothing).all()
    assert window.face.live.induction.scale.text() == "1 T nm"


def test_the_full_colour_is_what_the_user_says(window, estimate_of):
    estimate = draw(window, estimate_of())
    window.set_look(Look(full_colour_t_nm=200.0))
    assert window.face.live.induction.scale.text() == "200 T nm"
    wanted = induction_rgb(estimate.induction_t_nm, scale_t_nm=200.0)
    np.testing.assert_array_equal(window.face.live.induction.image.image, wanted)
    window.set_look(Look())
    assert window.face.live.induction.scale.text() == "65.8 T nm"


def test_a_locked_full_colour_stays_until_it_is_unlocked(window, estimate_of):
    draw(window, estimate_of())
    window.actions_["lock"].trigger()
    x = np.mgrid[:48, :48][1].astype(np.float32)
    draw(window, estimate_of(rev=2, phase_rad=2 * x))
    assert window.face.live.induction.scale.text() == "65.8 T nm"
    window.actions_["lock"].trigger()
    assert window.face.live.induction.scale.text() == "132 T nm"


def test_with_a_thickness_the_induction_is_told_in_millitesla(window, estimate_of):
    draw(window, estimate_of())
    window.set_look(Look(thickness_nm=100.0))
    assert window.face.live.induction.scale.text() == "658 mT"
    assert window.face.live.induction.unit.text() == "B in mT"
    window.face.live.phase.hovered.emit((105.0, 205.0))
    assert window.face.live.induction.read_out.text() == "658 mT at 270\u00b0"
    window.set_look(Look())
    assert window.face.live.induction.unit.text() == "B\u00b7t in T nm"

    assert window.face.live.induction.unit.text() == "B\u00b7t in T nm"


def test_contours_lie_upon_the_phase_and_say_how_far_apart_they_are(
    window, qtbot, estimate_of
):
    draw(window, estimate_of())
    assert not window.face.live.phase.contours.isVisible()
    assert window.face.live.phase.unit.text() == "rad"
    qtbot.keyClick(window, QtCore.Qt.Key.Key_C)
    assert window.look == Look(contours=True)
    assert "2\u03c0 rad, flux h/e" in window.face.live.phase.unit.text()
    assert "4136 T nm" in window.face.live.phase.unit.toolTip()
    qtbot.keyClick(window, QtCore.Qt.Key.Key_BracketRight)
    qtbot.keyClick(window, QtCore.Qt.Key.Key_BracketRight)
    assert "2\u03c0/4 rad, flux h/4e" in window.face.live.phase.unit.text()
    places = [
        item.mapRectToParent(item.boundingRect())
        for item in (window.face.live.phase.image, window.face.live.phase.contours)
    ]
    assert places[0] == places[1]
    qtbot.keyClick(window, QtCore.Qt.Key.Key_BracketLeft)
    assert window.look.contours_per_turn == 2
    qtbot.keyClick(window, QtCore.Qt.Key.Key_C)
    assert not window.face.live.phase.contours.isVisible()


def test_contours_are_those_of_the_newest_phase(window, estimate_of):
    window.set_look(Look(contours=True, contours_per_turn=2))
    estimate = draw(window, estimate_of())
    before = window.face.live.phase.contours.image
    wanted = contours(
        estimate.phase_rad, estimate.gradient_rad_per_nm, pixel_nm=10.0, per_turn=2
    )
    np.testing.assert_array_equal(before, wanted)
    draw(window, estimate_of(rev=2, phase_rad=0.2 * np.eye(48, dtype=np.float32)))
    assert (window.face.live.phase.contours.image != before).any()
    draw(window)
    assert window.face.live.phase.contours.image is None


def test_the_phase_is_drawn_in_the_map_that_the_user_likes(window, estimate_of):
    draw(window, estimate_of())
    middles = set()
    for name in CHOICES["phase_map"]:
        window.set_look(Look(phase_map=name))
        colours = window.face.live.phase.image.lut
        middles.add(tuple(int(part) for part in colours[len(colours) // 2]))
    assert len(middles) == len(CHOICES["phase_map"])


def test_automatic_levels_leave_out_as_much_as_the_user_says(window, estimate_of):
    draw(window, estimate_of())
    spans = []
    for percent in (0.0, 0.5, 2.0):
        window.set_look(Look(percentile=percent))
        low, high = window.face.live.phase.levels()
        spans.append(high - low)
        assert window.face.live.second.levels()[0] == 0.0
    assert spans[0] == 47.0
    assert spans == sorted(spans, reverse=True)
    assert not window.actions_["lock"].isChecked()


@pytest.mark.parametrize("way", ["key", "double click"])
def test_levels_that_were_dragged_are_automatic_again_at_once(
    window, qtbot, estimate_of, way
):
    draw(window, estimate_of())
    usual = window.face.live.phase.levels()
    window.face.live.phase._column.region.setRegion((5.0, 7.0))
    assert window.actions_["lock"].isChecked()
    if way == "key":
        qtbot.keyClick(window, QtCore.Qt.Key.Key_A)
    else:
        left = QtCore.Qt.MouseButton.LeftButton
        qtbot.mouseDClick(window.face.live.phase._column.viewport(), left)
    assert not window.actions_["lock"].isChecked()
    assert window.face.live.phase.levels() == usual


def test_held_levels_stay_whatever_percentile_is_chosen(window, estimate_of):
    draw(window, estimate_of())
    window.face.live.phase._column.region.setRegion((5.0, 7.0))
    window.set_look(Look(percentile=2.0))
    assert window.face.live.phase.levels() == (5.0, 7.0)


def test_held_levels_are_not_those_of_another_quantity(window, estimate_of):
    sigma = np.linspace(0.0, 0.1, 48 * 48, dtype=np.float32).reshape(48, 48)
    draw(window, estimate_of(phase_sigma_rad=sigma))
    window.actions_["lock"].setChecked(True)
    window.set_look(Look(second="uncertainty"))
    assert window.face.live.second.levels()[1] < 0.11
    draw(window, estimate_of(phase_sigma_rad=2.0 * sigma, rev=2))
    assert window.face.live.second.levels()[1] < 0.11


def test_levels_that_are_locked_before_the_first_map_are_its_own(window, estimate_of):
    window.actions_["lock"].setChecked(True)
    draw(window, estimate_of())
    assert window.face.live.phase.levels()[1] > 40.0


def test_a_map_without_a_number_has_no_counts(window, estimate_of):
    draw(window, estimate_of(phase_rad=np.full((48, 48), np.nan, np.float32)))
    assert window.face.live.phase.levels() == (0.0, 1.0)


def test_axes_come_by_key_and_tell_lengths_in_a_unit_that_fits(window, qtbot, estimate_of):
    draw(window, estimate_of())
    left, bottom = window.face.live.phase._canvas.axes
    assert not left.isVisible()
    assert left.width() == bottom.height() == 0
    qtbot.keyClick(window, QtCore.Qt.Key.Key_X)
    assert window.look == Look(axes=True)
    for panel in window.face.live.panels:
        assert all(axis.isVisible() for axis in panel._canvas.axes)

    def ticks(width_nm):
        window.face.live.phase.view.setRange(
            xRange=(0, width_nm), yRange=(0, width_nm), padding=0
        )
        factor = bottom.scale * bottom.autoSIPrefixScale
        texts = bottom.tickStrings([0.0, 0.4 * width_nm], factor, 0.4 * width_nm)
        return [float(text) for text in texts], bottom.labelUnitPrefix

    assert ticks(500.0) == ([0.0, 200.0], "n")
    assert ticks(50.0) == ([0.0, 20.0], "n")
    assert ticks(5000.0) == ([0.0, 2.0], "\u00b5")
    assert ticks(50.0) == ([0.0, 20.0], "n")
    qtbot.keyClick(window, QtCore.Qt.Key.Key_X)
    assert not left.isVisible()


def test_the_y_axis_counts_downwards_as_rows_do(window, estimate_of):
    window.set_look(Look(axes=True))
    draw(window, estimate_of())
    left = window.face.live.phase._canvas.axes[0]
    assert left.linkedView() is window.face.live.phase.view
    # pyqtgraph writes the range of an inverted view from bottom to top.
    assert left.range[0] > left.range[1]


def test_what_is_chosen_on_the_card_is_the_look(window, qtbot):
    card = window.face.look.card
    card.controls["wheel"].setCurrentIndex(1)
    card.controls["contours"].setChecked(True)
    card.controls["thickness_nm"].setValue(12.5)
    card.controls["percentile"].setCurrentIndex(3)
    chosen = Look(wheel="blue-yellow", contours=True, thickness_nm=12.5, percentile=0.0)
    assert window.look == chosen
    qtbot.keyClick(window, QtCore.Qt.Key.Key_C)
    assert window.look == replace(chosen, contours=False)
    assert not card.controls["contours"].isChecked()


def test_the_card_opens_beneath_its_button_and_shows_what_is_chosen(window):
    look = Look(gamma=0.5, full_colour_t_nm=20.0, text_scale=1.1, phase_map="magma")
    window.set_look(look)
    window.face.look.click()
    card = window.face.look.card
    assert card.isVisible()
    controls = card.controls
    assert controls["gamma"].currentText() == "lifted more (power 0.5)"
    assert controls["full_colour_t_nm"].text() == "20.0 T nm"
    assert controls["thickness_nm"].text() == "unknown"
    assert controls["text_scale"].currentText() == "110 %"
    assert window.look == look
    card.hide()


def test_half_a_number_is_not_taken(window, qtbot):
    box = window.face.look.card.controls["thickness_nm"]
    box.selectAll()
    qtbot.keyClicks(box, "12")
    assert window.look == Look()
    qtbot.keyClick(box, QtCore.Qt.Key.Key_Return)
    assert window.look == Look(thickness_nm=12.0)


def test_every_look_fits_on_a_small_screen(window, estimate_of, status_of):
    window.set_look(Look(contours=True, contours_per_turn=64, axes=True, thickness_nm=20.0))
    draw(window, status_of(n_expected=4000), estimate_of(rev=123456, steps=123456))
    window.face.live.phase.hovered.emit((105.0, 205.0))
    smallest = window.minimumSizeHint()
    assert smallest.width() <= 1366
    assert smallest.height() <= 700
