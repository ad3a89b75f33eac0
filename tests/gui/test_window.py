from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.panels.frame_table import HEADINGS
from ltemlive.dashboard.shown import wording
from ltemlive.dashboard.shown.look import CHOICES, Look
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge, with_link
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.events import AdviceGiven, PhaseSigmas
from ltemlive.physics.colour import induction_rgb
from ltemlive.wire.results import FrameRow, advice_message, decode_result, encode_result

NOW = 100.0
REPAINTS = 200


@pytest.fixture(scope="session")
def themed(qapp):
    """Apply the theme once: it restyles every widget there is."""
    theme.apply_theme(qapp, theme.DARK)


@pytest.fixture
def window(qtbot, themed):
    """A window that redraws only when the test says so."""
    made = DashboardWindow(clock=lambda: NOW)
    made._timer.stop()
    qtbot.addWidget(made)
    made.resize(1366, 728)
    with qtbot.waitExposed(made):
        made.show()
    return made


def after(*messages, link="up"):
    snapshot = with_link(DisplaySnapshot(), link)
    for message in messages:
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=NOW)
    return snapshot


def draw(window, snapshot):
    window.accept(snapshot)
    window.redraw()


def pixels_of(widget):
    """Return what a widget shows, (ny, nx, 3)."""
    image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return (
        rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)
    )


def colour_on_screen(panel, *, y_nm, x_nm):
    place = panel._canvas.mapFromScene(
        panel.view.mapViewToScene(QtCore.QPointF(x_nm, y_nm))
    )
    return pixels_of(panel._canvas)[place.y(), place.x()]


def test_before_anything_is_heard_every_figure_is_a_dash(window):
    window.redraw()
    figures = {name: label.text() for name, label in window.face.header.figures.items()}
    assert figures.pop("frames used") == "0"
    assert set(figures.values()) == {wording.NOTHING}
    assert "connecting" in window.face.header.connection.text()
    assert window.face.banner.isHidden()
    window.actions_["fit"].trigger()
    assert window.face.live.phase.image.image is None


def test_how_many_frames_another_series_expects_is_not_said_of_this_one(
    window, estimate_of, status_of
):
    draw(window, after(estimate_of(), status_of(ordinal=2, n_expected=40)))
    assert window.face.header.figures["frames used"].text() == "2"


def test_the_key_figures_are_those_of_the_snapshot(window, estimate_of, status_of):
    draw(window, after(status_of(), estimate_of(rev=4)))
    figures = {
        name: label.text().replace("\u202f", " ")
        for name, label in window.face.header.figures.items()
    }
    assert figures == {
        "frames used": "2 / 5",
        "revision": "4",
        "solver steps": "24",
        "uncertainty": "\u2013",
        "data age": "0.0 s",
        "latency": "1.0 s",
    }
    assert "live" in window.face.header.connection.text()
    assert window.face.header.series.text() == "vortex disc"
    assert "CPU" in window.face.strip.daemon.text()
    assert "rejected 1" in window.face.strip.counters.text()
    assert "dropped" not in window.face.strip.counters.text()


def sure(estimate_of, **changes):
    """Return an estimate that knows how sure it is."""
    sigma = np.full((48, 48), 0.05, np.float32)
    sigma[:, 24:] = 0.1
    return estimate_of(
        phase_sigma_rad=sigma, sigmas=PhaseSigmas(0.0791, 0.002, 1.24), **changes
    )


def test_how_sure_the_phase_is_stands_in_the_header_and_at_the_legend(window, estimate_of):
    draw(window, after(sure(estimate_of, beam="out_of_image")))
    figure = window.face.header.figures["uncertainty"].text().replace("\u202f", " ")
    assert figure == "\u00b10.079 rad"
    assert window.face.live.induction.sigma.text() == "\u00b1 1.2 T nm"
    assert window.face.live.induction.beam.text() == "beam out of\nthe image"
    window.set_look(Look(thickness_nm=10.0))
    assert window.face.live.induction.sigma.text() == "\u00b1 120 mT"
    draw(window, after(estimate_of(rev=2)))
    assert window.face.live.induction.sigma.text() == ""
    assert window.face.live.induction.beam.text() == "beam into\nthe image"


def test_the_second_map_shows_gradient_uncertainty_or_amplitude(window, qtbot, estimate_of):
    snapshot = after(sure(estimate_of))
    draw(window, snapshot)
    second, estimate = window.face.live.second, snapshot.estimate
    titles = []
    for values in (
        estimate.gradient_rad_per_nm * 1e3,
        estimate.phase_sigma_rad,
        estimate.amplitude,
    ):
        titles.append(second.heading.text())
        np.testing.assert_array_equal(second.image.image, values)
        qtbot.keyClick(window, QtCore.Qt.Key.Key_G)
    assert titles == ["Phase gradient", "Uncertainty of the phase", "Amplitude"]
    window.set_look(Look(second="uncertainty"))
    window.face.live.phase.hovered.emit((105.0, 305.0))
    assert second.read_out.text().replace("\u202f", " ") == "0.1 rad"


def test_figures_that_were_long_leave_the_bar_of_colours_in_its_place(
    window, qtbot, estimate_of
):
    nearly_alike = np.full((48, 48), 0.1, np.float32)
    nearly_alike[:, 24:] += 1e-6
    draw(window, after(estimate_of(amplitude=nearly_alike)))
    column = window.face.live.second._column

    def axis_px():
        # An axis learns how wide its figures are when it paints them.
        column.grab()
        return column._axis.width()

    window.set_look(Look(second="amplitude"))
    qtbot.waitUntil(lambda: axis_px() > 60.0)
    window.set_look(Look())
    qtbot.waitUntil(lambda: axis_px() < 60.0)
    bar = column._bar
    assert bar.mapRectToScene(bar.rect()).right() == pytest.approx(column.width(), abs=1.0)


def test_a_map_that_is_not_known_yet_says_so(window, estimate_of):
    window.set_look(Look(second="uncertainty"))
    draw(window, after(estimate_of()))
    second = window.face.live.second
    assert second.image.image is None
    assert "not known" in second.read_out.text()
    draw(window, after(sure(estimate_of, rev=2)))
    assert second.image.image is not None


def test_the_final_estimate_says_that_it_is_final(window, estimate_of):
    draw(window, after(estimate_of(is_final=True)))
    assert "final" in window.face.header.series.text()


def test_a_snapshot_is_drawn_by_the_timer_and_only_once(window, estimate_of, status_of):
    drawings = []
    window.face.live.phase.image.sigImageChanged.connect(lambda: drawings.append("phase"))
    window.taken.connect(lambda: drawings.append("taken"))
    window.accept(after(estimate_of()))
    assert drawings == []
    window.redraw()
    window.redraw()
    assert drawings == ["phase", "taken"]
    snapshot = merge(window.drawn, status_of(frames=[]), now=NOW)
    draw(window, snapshot)
    assert drawings == ["phase", "taken", "taken"]


def test_the_timer_draws_without_being_asked(window, qtbot, estimate_of):
    window._timer.start()
    with qtbot.waitSignal(window.taken, timeout=10_000):
        window.accept(after(estimate_of()))
    window._timer.stop()
    assert window.drawn.estimate is not None


def test_rows_run_down_and_columns_right_on_the_screen(window, estimate_of):
    phase = np.zeros((48, 64), np.float32)
    phase[:12, 32:] = 1.0
    draw(window, after(estimate_of(phase_rad=phase, amplitude=phase)))
    upper_right = colour_on_screen(window.face.live.phase, y_nm=60.0, x_nm=560.0)
    for y_nm, x_nm in [(60.0, 80.0), (300.0, 560.0), (300.0, 80.0)]:
        other = colour_on_screen(window.face.live.phase, y_nm=y_nm, x_nm=x_nm)
        assert np.abs(upper_right - other).max() > 100
    left, top = (
        window.face.live.phase.view.viewRect().left(),
        window.face.live.phase.view.viewRect().top(),
    )
    assert window.face.live.phase.view.mapViewToScene(QtCore.QPointF(left, top)).y() < 30


@pytest.mark.parametrize(
    ("toward_y", "toward_x"), [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1)]
)
def test_the_wheel_has_the_colour_of_the_field_in_its_direction(
    window, estimate_of, toward_y, toward_x
):
    # B_y t = +(hbar / e) dphi/dx and B_x t = -(hbar / e) dphi/dy: a ramp for each field.
    y, x = np.mgrid[:48, :48].astype(np.float32)
    ramp = toward_y * x - toward_x * y
    draw(window, after(estimate_of(phase_rad=ramp, amplitude=ramp)))
    for wheel, gamma in itertools.product(CHOICES["wheel"], CHOICES["gamma"]):
        window.set_look(Look(wheel=wheel, gamma=gamma))
        assert_wheel_agrees(window.face.live.induction, toward_y, toward_x)


def assert_wheel_agrees(panel, toward_y, toward_x):
    """Fail unless the wheel has the map's colour there, and another one elsewhere."""
    in_map = colour_on_screen(panel, y_nm=100.0, x_nm=300.0)
    wheel = panel.wheel.pixmap().toImage()
    centre, reach = wheel.width() / 2, 0.46 * wheel.width() / np.hypot(toward_y, toward_x)

    def on_wheel(step_y, step_x):
        place = int(centre + reach * step_x), int(centre + reach * step_y)
        return np.array(QtGui.QColor(wheel.pixel(*place)).getRgb()[:3])

    assert np.abs(on_wheel(toward_y, toward_x) - in_map).max() < 40
    assert np.abs(on_wheel(-toward_y, -toward_x) - in_map).max() > 80
    if toward_y and toward_x:
        assert np.abs(on_wheel(-toward_y, toward_x) - in_map).max() > 80
        assert np.abs(on_wheel(toward_y, -toward_x) - in_map).max() > 80


def test_the_wheel_says_how_strong_the_full_colour_is(window, estimate_of):
    snapshot = after(estimate_of())
    draw(window, snapshot)
    scale_t_nm = snapshot.estimate.induction_scale_t_nm
    # One radian per 10 nm: hbar / e times 0.1 / nm.
    assert scale_t_nm == pytest.approx(65.8212, rel=1e-4)
    assert window.face.live.induction.scale.text() == "65.8 T nm"
    shown = window.face.live.induction.image.image
    wanted = induction_rgb(snapshot.estimate.induction_t_nm, scale_t_nm=scale_t_nm)
    np.testing.assert_array_equal(shown, wanted)


def test_the_levels_follow_the_data_until_they_are_locked(window, estimate_of):
    y, x = np.mgrid[:48, :48].astype(np.float32)
    draw(window, after(estimate_of()))
    assert window.face.live.phase.levels() == pytest.approx((0.0, 47.0), abs=0.5)
    window.actions_["lock"].trigger()
    draw(window, after(estimate_of(rev=2, phase_rad=10 * x)))
    assert window.face.live.phase.levels() == pytest.approx((0.0, 47.0), abs=0.5)
    window.actions_["lock"].trigger()
    draw(window, after(estimate_of(rev=3, phase_rad=10 * x + y)))
    assert window.face.live.phase.levels()[1] > 400


def test_levels_that_were_dragged_stay(window, estimate_of):
    draw(window, after(estimate_of()))
    window.face.live.phase._column.region.setRegion((5.0, 7.0))
    assert window.actions_["lock"].isChecked()
    draw(window, after(estimate_of(rev=2)))
    assert window.face.live.phase.levels() == (5.0, 7.0)


def test_a_frozen_view_keeps_its_maps(window, estimate_of, status_of):
    draw(window, after(estimate_of(), status_of()))
    before = window.face.live.phase.image.image
    window.actions_["freeze"].trigger()
    newer = after(estimate_of(rev=2, phase_rad=np.eye(48, dtype=np.float32)), status_of())
    draw(window, newer)
    assert window.face.live.phase.image.image is before
    assert window.face.header.figures["revision"].text() == "1"
    window.actions_["freeze"].trigger()
    np.testing.assert_array_equal(
        window.face.live.phase.image.image, newer.estimate.phase_rad
    )


def test_another_session_leaves_nothing_of_the_last_one(window, estimate_of, status_of):
    draw(window, after(status_of(), estimate_of()))
    draw(window, after(status_of(), estimate_of(), status_of(session="another")))
    assert [panel.image.image for panel in window.face.live.panels] == [None] * 3
    assert window.face.objective._curve.getOriginalDataset() == (None, None)
    window.face.live.phase.hovered.emit((105.0, 205.0))
    assert window.face.live.phase.read_out.text() == ""


def test_the_value_under_the_pointer_is_read_out_with_its_unit(window, estimate_of):
    draw(window, after(estimate_of()))
    window.face.live.second.hovered.emit((105.0, 205.0))
    assert window.face.live.phase.read_out.text() == "20.000 rad"
    assert window.face.live.second.read_out.text() == "100\u202fmrad/nm"
    assert window.face.live.induction.read_out.text() == "65.8 T nm at 270\u00b0"
    assert "205" in window.face.strip.position.text()
    window.face.live.second.hovered.emit(None)
    assert window.face.live.phase.read_out.text() == ""


def test_a_pointer_that_rests_reads_the_revision_that_comes(window, estimate_of):
    draw(window, after(estimate_of()))
    window.face.live.phase.hovered.emit((105.0, 205.0))
    flat = np.full((48, 48), 3.0, np.float32)
    draw(window, after(estimate_of(rev=2, phase_rad=flat)))
    assert window.face.live.phase.read_out.text() == "3.000 rad"
    draw(window, after())
    assert window.face.live.phase.read_out.text() == ""


def test_the_pointer_on_an_image_is_told_in_nm(window, estimate_of):
    draw(window, after(estimate_of()))
    told = []
    window.face.live.phase.hovered.connect(told.append)
    scene = window.face.live.phase.view.mapViewToScene(QtCore.QPointF(200.0, 100.0))
    window.face.live.phase.view.scene().sigMouseMoved.emit(scene)
    assert told[0] == pytest.approx((100.0, 200.0))
    QtWidgets.QApplication.sendEvent(
        window.face.live.phase._canvas, QtCore.QEvent(QtCore.QEvent.Type.Leave)
    )
    assert told[1] is None


def test_zooming_one_map_zooms_all_and_fit_shows_the_whole(window, estimate_of):
    draw(window, after(estimate_of()))
    whole = window.face.live.induction.view.viewRect()
    window.face.live.phase.view.setRange(xRange=(100, 200), yRange=(100, 200), padding=0)
    assert window.face.live.induction.view.viewRect().width() < 0.5 * whole.width()
    window.actions_["fit"].trigger()
    assert window.face.live.induction.view.viewRect().contains(
        QtCore.QRectF(1, 1, 478, 478)
    )


def test_the_scale_bar_is_as_long_as_it_says(window, estimate_of):
    draw(window, after(estimate_of()))
    bar = window.face.live.phase.scale_bar
    assert bar.length_nm() == 100.0
    shown = pixels_of(window.face.live.phase._canvas)
    white = (shown.min(axis=-1) > 250).sum(axis=1).max()
    assert white == pytest.approx(
        100.0 / window.face.live.phase.view.viewPixelSize()[0], abs=2
    )


def test_the_table_lists_frames_with_state_and_reason(window, status_of):
    draw(window, after(status_of()))
    model = window.face.frames.model()
    texts = [model.index(2, column).data() for column in range(model.columnCount())]
    assert texts == ["2", "\u2212150", *3 * ["\u2013"], "rejected", "saturated"]
    colour = model.index(2, 5).data(QtCore.Qt.ItemDataRole.ForegroundRole)
    assert colour == QtGui.QColor(theme.DARK.bad)


def test_the_table_tells_where_a_frame_lies_and_how_it_fits(window, estimate_of, status_of):
    told = estimate_of(
        shift_px=((0.0, 0.0), (-12.34, 3.06)),
        rotation_deg=(0.0, -0.126),
        magnification=(1.0, 1.0123),
        holdout=(1.004, 23.0),
    )
    draw(window, after(told, status_of()))
    model = window.face.frames.model()
    texts = [[model.index(row, column).data() for column in (2, 3, 4)] for row in range(3)]
    assert texts == [
        ["+0.0, +0.0", "+0.00, +0.00", "1.00"],
        ["\u221212.3, +3.1", "\u22120.13, +1.23", "10+"],
        ["\u2013", "\u2013", "\u2013"],
    ]


def test_new_fits_leave_the_table_as_the_user_left_it(window, estimate_of, status_of):
    first = estimate_of(shift_px=((0.0, 0.0), (1.0, 0.0)), holdout=(1.0, 2.0))
    draw(window, after(first, status_of()))
    model, resets = window.face.frames.model(), []
    model.modelReset.connect(lambda: resets.append(1))
    second = estimate_of(rev=2, shift_px=((0.0, 0.0), (1.5, 0.0)), holdout=(1.0, 1.01))
    draw(window, after(first, status_of(), second))
    assert [model.index(1, column).data() for column in (2, 4)] == ["+1.5, +0.0", "1.01"]
    assert resets == []


def test_fits_of_frames_that_are_not_listed_change_nothing(window, estimate_of):
    changes = []
    window.face.frames.model().dataChanged.connect(lambda *_: changes.append(1))
    draw(window, after(estimate_of(holdout=(1.0, 2.0))))
    assert changes == []


def test_no_heading_of_the_table_is_cut_off(window):
    heading = window.face.frames.horizontalHeader()
    for column in range(len(HEADINGS)):
        assert heading.sectionSize(column) >= heading.sectionSizeHint(column)


def test_the_table_follows_its_newest_row_unless_one_reads_further_up(window, status_of):
    def rows(count):
        return tuple(FrameRow(seq, str(seq), 1e5, "stored") for seq in range(count))

    draw(window, after(status_of(frames=rows(40))))
    bar = window.face.frames.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    draw(window, after(status_of(frames=rows(41))))
    assert bar.value() == bar.maximum()
    bar.setValue(3)
    draw(window, after(status_of(frames=rows(42))))
    assert bar.value() == 3


def test_a_full_colour_that_was_locked_before_there_was_any_is_the_first_one(
    window, estimate_of
):
    window.actions_["lock"].trigger()
    draw(window, after(estimate_of()))
    assert window.face.live.induction.scale.text() == "65.8 T nm"
    x = np.mgrid[:48, :48][1].astype(np.float32)
    draw(window, after(estimate_of(rev=2, phase_rad=2 * x)))
    assert window.face.live.induction.scale.text() == "65.8 T nm"


def test_the_same_rows_are_not_drawn_again(window, status_of):
    draw(window, after(status_of()))
    resets = []
    window.face.frames.model().modelReset.connect(lambda: resets.append(1))
    draw(window, after(status_of()))
    assert resets == []


def test_the_objective_is_logarithmic_only_where_it_is_positive(window, estimate_of):
    draw(window, after(estimate_of()))
    assert window.face.objective.getAxis("left").logMode
    assert len(window.face.objective._curve.getOriginalDataset()[0]) == 24
    draw(window, after(estimate_of(rev=2, objective=(1.0, float("nan"), -1.0))))
    assert not window.face.objective.getAxis("left").logMode


def test_of_a_decade_only_few_objectives_are_written(window):
    axis = window.face.objective.getAxis("left")
    texts = axis.logTickStrings(list(np.log10(np.arange(1, 11) / 10)), 1.0, None)
    assert texts == ["0.1", "0.2", "", "", "0.5", "", "", "", "", "1"]


def test_advice_and_its_level_are_in_the_banner(window):
    draw(window, after(advice_message(AdviceGiven("Disk full.", "error"), t_published=0.0)))
    assert window.face.banner.isVisible()
    assert window.face.banner.text() == "Disk full."
    assert window.face.banner.property("level") == "error"
    draw(window, after())
    assert window.face.banner.isHidden()


def test_mark_up_from_outside_is_shown_and_not_obeyed(window, estimate_of, status_of):
    rows = (FrameRow(0, "<i>0</i>", 0.0, "rejected", "<img src='x'>"),)
    draw(window, after(estimate_of(series="<b>s</b>"), status_of(frames=rows)))
    assert window.face.header.series.text() == "<b>s</b>"
    assert window.face.header.series.textFormat() == QtCore.Qt.TextFormat.PlainText
    tip = window.face.frames.model().index(0, 6).data(QtCore.Qt.ItemDataRole.ToolTipRole)
    assert "<" not in tip


def test_a_lost_connection_is_said(window, status_of):
    draw(window, after(status_of(), link="down"))
    assert "lost" in window.face.header.connection.text()


def test_nothing_is_cut_off_on_a_small_screen(window, qtbot, estimate_of, status_of):
    long = "a very long name of a series that somebody typed in all detail " * 3
    draw(
        window,
        after(
            estimate_of(series=long, notes=("x" * 900,), rev=123456, steps=123456),
            status_of(series=long, device=long[:200], n_expected=4000),
        ),
    )
    smallest = window.minimumSizeHint()
    assert smallest.width() <= 1366
    # A title bar and a task bar take some 68 of the 768 rows.
    assert smallest.height() <= 700
    window.resize(1366, 700)
    labels = [label for label in window.findChildren(QtWidgets.QLabel) if label.isVisible()]
    labels.remove(window.face.banner)

    def is_laid_out():
        assert window.height() == 700
        inside = QtCore.QRect(QtCore.QPoint(0, 0), window.size())
        for label in labels:
            corner = label.mapTo(window, QtCore.QPoint(0, 0))
            assert inside.contains(QtCore.QRect(corner, label.size())), label.text()
            assert label.width() >= label.sizeHint().width(), label.text()

    qtbot.waitUntil(is_laid_out, timeout=5000)


def test_the_window_is_not_blank(window, estimate_of, status_of):
    draw(window, after(estimate_of(), status_of()))
    shown = pixels_of(window)
    colours = np.unique(shown.reshape(-1, 3)[::7], axis=0)
    assert len(colours) > 50


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="True and None are immortal here")
def test_repainting_does_not_use_up_the_references_to_true_and_none(
    window, estimate_of, status_of
):
    # PySide6 6.12.0 loses one at every call, and Python aborts when none is left.
    draw(window, after(estimate_of(), status_of()))
    window.grab()
    before = sys.getrefcount(True), sys.getrefcount(None)
    for _ in range(REPAINTS):
        window.face.live.phase._canvas.viewport().repaint()
        window.face.objective.viewport().repaint()
    after_all = sys.getrefcount(True), sys.getrefcount(None)
    for counted_before, counted_after in zip(before, after_all, strict=True):
        assert counted_after > counted_before - REPAINTS // 2
