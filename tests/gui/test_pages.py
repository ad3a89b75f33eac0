from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="no Qt here", exc_type=ImportError)

from pyqtgraph.Qt import QtCore, QtGui, QtWidgets

from ltemlive.dashboard import theme
from ltemlive.dashboard.actions import Actions
from ltemlive.dashboard.choices import keep, kept_choices, restore
from ltemlive.dashboard.shown.commands import COMMANDS
from ltemlive.dashboard.shown.comparison import agreement, candidates, difference
from ltemlive.dashboard.shown.look import LOOK_KEYS, Look
from ltemlive.dashboard.shown.own_words import SAID_FOR_S
from ltemlive.dashboard.shown.snapshot import DisplaySnapshot, merge, with_link
from ltemlive.dashboard.window import DashboardWindow
from ltemlive.events import AdviceGiven
from ltemlive.physics.accuracy import without_plane
from ltemlive.wire.results import (
    ResultMessage,
    advice_message,
    decode_result,
    encode_result,
)

SIDE_PX = 48
THREE = {"seqs_used": (0, 1, 2), "defocus_nm": (0.0, 150_000.0, -150_000.0)}


class Clock:
    """Seconds that go by only when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def window(qtbot, qapp, clock, tmp_path):
    """A window that redraws only when the test says so."""
    theme.apply_theme(qapp)
    made = DashboardWindow(clock=clock, folder=tmp_path)
    made._timer.stop()
    made.requested = []
    made.asked.connect(lambda *told: made.requested.append(told))
    qtbot.addWidget(made)
    made.resize(1366, 700)
    with qtbot.waitExposed(made):
        made.show()
    return made


def after(*messages, snapshot=None):
    snapshot = snapshot or with_link(DisplaySnapshot(), "up")
    for message in messages:
        snapshot = merge(snapshot, decode_result(encode_result(message)), now=100.0)
    return snapshot


def draw(window, snapshot):
    window.accept(snapshot)
    window.redraw()
    return snapshot


def frame_view(rev=1, seq=1, **header):
    rng = np.random.default_rng(rev)
    residual = rng.normal(size=(SIDE_PX, SIDE_PX)).astype(np.float32)
    predicted = np.ones_like(residual)
    arrays = {
        "measured": predicted + np.float32(0.1) * residual,
        "predicted": predicted,
        "residual": residual,
    }
    told = [{"name": name, "unit": "1", "pixel_nm": 10.0} for name in arrays]
    values = {"ordinal": 1, "rev": rev, "what": "frame", "seq": seq, "score": 1.02}
    return ResultMessage(
        "view",
        {**values, "final": False, "state": "used", "reason": None, "t_published": 0.0}
        | header
        | {"arrays": told},
        arrays,
    )


def tie_view(phase, rev=1):
    return ResultMessage(
        "view",
        {
            "ordinal": 1,
            "rev": rev,
            "what": "tie",
            "seq": None,
            "final": False,
            "t_published": 0.0,
            "arrays": [{"name": "phase", "unit": "rad", "pixel_nm": 10.0}],
        },
        {"phase": phase},
    )


def press(qtbot, window, keys):
    sequence = QtGui.QKeySequence(keys)[0]
    qtbot.keyClick(window, sequence.key(), sequence.keyboardModifiers())


def test_every_page_has_a_key_and_is_not_blank(window, qtbot, estimate_of, status_of):
    draw(window, after(status_of(), estimate_of(), estimate_of(rev=2, **THREE)))
    pictures = set()
    for key, page in (("2", "frame"), ("3", "compare"), ("1", "live")):
        press(qtbot, window, key)
        assert window.page == page
        assert window.actions_[page].isChecked()
        image = window.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
        pictures.add(bytes(image.constBits()))
        assert len(np.unique(np.frombuffer(image.constBits(), np.uint8))) > 50
    assert len(pictures) == 3


def test_a_chosen_frame_is_asked_for_and_shown(window, qtbot, estimate_of, status_of):
    snapshot = draw(window, after(status_of(), estimate_of()))
    press(qtbot, window, "2")
    assert "Choose a frame" in window.face.frame.caption.text()
    window.face.frames.choose(1)
    window.redraw()
    assert window.requested == [("view", {"what": "frame", "ordinal": 1, "seq": 1}, "")]
    assert "waiting" in window.face.frame.caption.text()
    view = frame_view()
    draw(window, after(view, snapshot=snapshot))
    caption = window.face.frame.caption.text()
    assert "Frame 1" in caption
    assert "+150" in caption
    assert "fit 1.02" in caption
    assert "revision 1" in caption
    shown = [panel.image.image for panel in window.face.frame.panels]
    for image, wanted in zip(shown, view.arrays.values(), strict=True):
        np.testing.assert_array_equal(image, wanted)
    assert window.face.frame.residual.levels() == (-4.0, 4.0)
    measured, predicted = (panel.levels() for panel in window.face.frame.panels[:2])
    assert measured == predicted


def test_the_view_of_another_frame_is_not_shown(window, qtbot, estimate_of, status_of):
    draw(window, after(status_of(), estimate_of(), frame_view(seq=0)))
    press(qtbot, window, "2")
    window.face.frames.choose(1)
    assert "Frame 1: waiting" in window.face.frame.caption.text()
    assert window.face.frame.measured.image.image is None


def test_the_view_of_a_frame_of_an_earlier_series_is_not_shown(
    window, qtbot, estimate_of, status_of
):
    snapshot = draw(window, after(status_of(), estimate_of(), frame_view()))
    draw(
        window,
        after(status_of(ordinal=2), estimate_of(ordinal=2, rev=2), snapshot=snapshot),
    )
    press(qtbot, window, "2")
    window.face.frames.choose(1)
    assert "Frame 1: waiting" in window.face.frame.caption.text()
    assert window.face.frame.measured.image.image is None


def test_what_another_window_looks_at_does_not_take_a_frame_away(
    window, qtbot, estimate_of, status_of
):
    snapshot = draw(window, after(status_of(), estimate_of(), frame_view()))
    press(qtbot, window, "2")
    window.face.frames.choose(1)
    draw(window, after(frame_view(seq=0), snapshot=snapshot))
    assert "Frame 1" in window.face.frame.caption.text()
    assert "waiting" not in window.face.frame.caption.text()


@pytest.mark.parametrize("change", [{"ordinal": 2}, {"session": "another"}])
def test_after_another_series_the_same_row_can_be_chosen_again(
    window, estimate_of, status_of, change
):
    snapshot = draw(window, after(status_of(), estimate_of()))
    window.face.frames.selectRow(1)
    assert window.requests.seq == 1
    draw(window, after(status_of(**change), snapshot=snapshot))
    assert window.requests.seq is None
    assert window.face.frames.selectionModel().selectedRows() == []
    window.face.frames.selectRow(1)
    assert window.requests.seq == 1


def test_a_frame_is_asked_for_again_once_a_second_while_its_phase_changes(
    window, qtbot, clock, estimate_of, status_of
):
    snapshot = draw(window, after(status_of(), estimate_of(), frame_view()))
    press(qtbot, window, "2")
    window.face.frames.choose(1)
    for step in range(10):
        snapshot = draw(window, after(estimate_of(rev=2 + step), snapshot=snapshot))
        clock.now += 0.25
    assert len(window.requested) == 3
    for _ in range(10):
        clock.now += 1.0
        window.redraw()
    assert len(window.requested) == 4


def test_the_value_under_the_pointer_of_a_frame_is_read_out(
    window, qtbot, estimate_of, status_of
):
    view = frame_view()
    draw(window, after(status_of(), estimate_of(), view))
    press(qtbot, window, "2")
    window.face.frames.choose(1)
    window.face.frame.measured.hovered.emit((105.0, 205.0))
    told = float(window.face.frame.residual.read_out.text().replace("\u2212", "-"))
    assert told == pytest.approx(float(view.arrays["residual"][10, 20]), rel=1e-3)
    window.face.frame.measured.hovered.emit(None)
    assert window.face.frame.residual.read_out.text() == ""


@pytest.mark.parametrize(("key", "use"), [("D", False), ("U", True), ("J", None)])
def test_the_chosen_frame_is_set_aside_and_brought_back(
    window, qtbot, estimate_of, status_of, key, use
):
    draw(window, after(status_of(), estimate_of()))
    press(qtbot, window, key)
    assert window.requested == []
    window.face.frames.choose(1)
    press(qtbot, window, key)
    op, arguments, said = window.requested[0]
    assert (op, arguments) == ("use_frame", {"seq": 1, "use": use, "ordinal": 1})
    assert said.startswith("Frame 1 ")


def test_the_table_offers_what_can_be_done_with_a_frame(window):
    texts = [action.text() for action in window.face.frames.actions()]
    assert texts == ["Frame", "Set aside", "Use", "As it fits"]


def test_a_choice_in_the_table_outlives_new_rows_but_not_another_series(
    window, estimate_of, status_of
):
    rows = status_of().header["frames"]
    snapshot = draw(window, after(status_of(), estimate_of()))
    window.face.frames.choose(1)
    fewer = status_of(frames=[])
    assert len(rows) == 3
    snapshot = draw(window, after(fewer, snapshot=snapshot))
    snapshot = draw(window, after(status_of(), snapshot=snapshot))
    assert window.requests.seq == 1
    assert [each.row() for each in window.face.frames.selectionModel().selectedRows()] == [
        1
    ]
    draw(window, after(status_of(ordinal=2), snapshot=snapshot))
    assert window.requests.seq is None


@pytest.mark.parametrize(
    ("key", "op"), [("Ctrl+P", "pause"), ("Ctrl+R", "reset"), ("Ctrl+Return", "end_series")]
)
def test_the_series_is_steered_by_keys(window, qtbot, status_of, key, op):
    draw(window, after(status_of()))
    press(qtbot, window, key)
    assert [told[0] for told in window.requested] == [op]


def test_pause_is_down_while_the_daemon_is_paused_and_goes_on_when_pressed(
    window, qtbot, status_of
):
    draw(window, after(status_of(state="paused")))
    assert window.actions_["pause"].isChecked()
    press(qtbot, window, "Ctrl+P")
    assert window.requested[0][0] == "resume"
    draw(window, after(status_of()))
    assert not window.actions_["pause"].isChecked()


def test_the_slider_shows_what_each_image_added(window, qtbot, estimate_of, status_of):
    other = np.eye(SIDE_PX, dtype=np.float32)
    draw(
        window,
        after(status_of(), estimate_of(phase_rad=other), estimate_of(rev=2, **THREE)),
    )
    bar = window.face.history
    assert (bar.slider.minimum(), bar.slider.maximum(), bar.slider.value()) == (0, 1, 1)
    bar.slider.setValue(0)
    assert window.estimate.rev == 1
    window.redraw()
    figures = window.face.header.figures
    assert [figures[name].text() for name in ("frames used", "revision")] == ["2 / 5", "1"]
    np.testing.assert_array_equal(window.face.live.phase.image.image, other)
    assert bar.label.text() == "revision 1: 2 images"
    assert window.actions_["freeze"].isChecked()
    press(qtbot, window, "Alt+Right")
    assert window.estimate.rev == 2
    assert not window.actions_["freeze"].isChecked()
    press(qtbot, window, "Alt+Left")
    assert window.estimate.rev == 1
    press(qtbot, window, "End")
    assert window.estimate.rev == 2


def test_a_revision_that_is_held_stays_while_others_come(window, estimate_of, status_of):
    snapshot = draw(window, after(status_of(), estimate_of(), estimate_of(rev=2, **THREE)))
    window.face.history.slider.setValue(0)
    draw(window, after(estimate_of(rev=3, **THREE), snapshot=snapshot))
    assert window.estimate.rev == 1
    assert window.face.history.slider.value() == 0
    window.actions_["freeze"].trigger()
    assert window.estimate.rev == 3


def test_a_finished_series_can_be_looked_at_again(window, estimate_of, status_of):
    draw(
        window,
        after(
            estimate_of(rev=1, is_final=True),
            estimate_of(rev=2, ordinal=2, series="second"),
            status_of(ordinal=2),
        ),
    )
    combo = window.face.history.series
    assert [combo.itemText(i) for i in range(combo.count())] == [
        "1  vortex disc",
        "2  second",
    ]
    assert combo.currentText() == "2  second"
    combo.setCurrentIndex(0)
    combo.activated.emit(0)
    assert window.estimate.rev == 1
    assert window.face.history.label.text() == "revision 1: 2 images, final"


def test_another_session_lets_go_of_what_was_held(window, estimate_of, status_of):
    snapshot = draw(window, after(status_of(), estimate_of(), estimate_of(rev=2, **THREE)))
    window.face.history.slider.setValue(0)
    draw(window, after(status_of(session="another"), snapshot=snapshot))
    assert window.estimate is None
    assert not window.actions_["freeze"].isChecked()


def test_two_revisions_are_compared_with_their_difference(
    window, qtbot, estimate_of, status_of
):
    rng = np.random.default_rng(3)
    first, second = (
        rng.normal(size=(SIDE_PX, SIDE_PX)).astype(np.float32) for _ in range(2)
    )
    draw(
        window,
        after(
            status_of(),
            estimate_of(phase_rad=first),
            estimate_of(rev=2, phase_rad=second, **THREE),
        ),
    )
    press(qtbot, window, "3")
    page = window.face.compare
    page.choose(("revision", 1), ("revision", 2))
    shown = [panel.image.image for panel in page.panels]
    np.testing.assert_allclose(shown[0], without_plane(first), atol=1e-5)
    np.testing.assert_allclose(shown[1], without_plane(second), atol=1e-5)
    np.testing.assert_array_equal(shown[2], difference(first, second))
    figures = agreement(first, second)
    assert f"phase {figures.correlation:.4f}" in page.figures.text()
    assert f"slope {figures.slope:.3f}" in page.figures.text()
    page.panels[0].hovered.emit((105.0, 205.0))
    assert page.panels[0].read_out.text().endswith("rad")
    page.quantity.setCurrentText("gradient")
    page.quantity.activated.emit(1)
    assert page.panels[0].image.image.min() >= 0.0


def test_zooming_one_of_two_zooms_the_other(window, qtbot, estimate_of, status_of):
    draw(window, after(status_of(), estimate_of(), estimate_of(rev=2, **THREE)))
    press(qtbot, window, "3")
    first, second, _ = window.face.compare.panels
    first.view.setRange(xRange=(100, 200), yRange=(100, 200), padding=0)
    assert second.view.viewRect().width() < 300.0


def test_transport_of_intensity_is_asked_for_once_and_compared(
    window, qtbot, clock, estimate_of, status_of
):
    snapshot = draw(window, after(status_of(), estimate_of()))
    press(qtbot, window, "3")
    window.redraw()
    window.redraw()
    assert window.requested == [("view", {"what": "tie", "ordinal": 1}, "")]
    assert window.face.compare.keys == (("tie", 1), ("revision", 1))
    assert window.face.compare.figures.text() == "waiting for the daemon"
    phase = np.add.outer(np.zeros(SIDE_PX), 0.5 * np.arange(SIDE_PX)).astype(np.float32)
    draw(window, after(tie_view(phase), snapshot=snapshot))
    # A ramp is all plane, which no data can tell.
    shown = window.face.compare.panels[0].image.image
    np.testing.assert_allclose(shown, np.zeros_like(phase), atol=1e-4)
    assert "phase 1.0000" in window.face.compare.figures.text()


def test_in_another_session_transport_of_intensity_is_asked_for_at_once(
    window, qtbot, estimate_of, status_of
):
    snapshot = draw(window, after(status_of(), estimate_of()))
    press(qtbot, window, "3")
    window.redraw()
    assert len(window.requested) == 1
    draw(window, after(status_of(session="other"), estimate_of(), snapshot=snapshot))
    window.redraw()
    assert len(window.requested) == 2


def test_maps_of_other_sizes_cannot_be_compared(window, qtbot, estimate_of, status_of):
    small = np.zeros((32, 32), np.float32)
    draw(
        window,
        after(status_of(), estimate_of(), tie_view(small)),
    )
    press(qtbot, window, "3")
    assert "cannot be compared" in window.face.compare.figures.text()
    assert window.face.compare.panels[0].image.image is None


def test_maps_with_other_pixels_cannot_be_compared(window, qtbot, estimate_of, status_of):
    draw(
        window,
        after(
            status_of(),
            estimate_of(),
            estimate_of(rev=2, ordinal=2, pixel_nm=20.0),
        ),
    )
    press(qtbot, window, "3")
    window.face.compare.choose(("revision", 1), ("revision", 2))
    assert "cannot be compared" in window.face.compare.figures.text()


def test_without_an_estimate_nothing_can_be_compared_or_exported(window, qtbot):
    draw(window, after())
    press(qtbot, window, "3")
    assert candidates(window.drawn) == ()
    assert window.face.compare.keys == (None, None)
    press(qtbot, window, "E")
    assert "no estimate" in window.face.banner.text()


def test_an_export_is_asked_for_with_a_folder_of_its_own(
    window, qtbot, tmp_path, estimate_of, status_of
):
    asked = []
    window.export_wanted.connect(lambda shown, folder: asked.append((shown.rev, folder)))
    draw(window, after(status_of(), estimate_of(rev=4)))
    press(qtbot, window, "E")
    (tmp_path / "ltemlive-0001-vortex_disc-rev4").mkdir()
    press(qtbot, window, "E")
    assert asked == [
        (4, tmp_path / "ltemlive-0001-vortex_disc-rev4"),
        (4, tmp_path / "ltemlive-0001-vortex_disc-rev4-2"),
    ]


def test_snapshots_are_saved_side_by_side_and_the_banner_says_where(
    window, qtbot, clock, tmp_path, estimate_of, status_of
):
    draw(window, after(status_of(), estimate_of(rev=4, series="a/b")))
    press(qtbot, window, "S")
    press(qtbot, window, "S")
    names = sorted(path.name for path in tmp_path.glob("*.png"))
    assert names == ["ltemlive-0001-a_b-rev4-2.png", "ltemlive-0001-a_b-rev4.png"]
    assert QtGui.QImage(str(tmp_path / names[1])).width() == window.width()
    assert str(tmp_path) in window.face.banner.text()
    clock.now += SAID_FOR_S
    window.redraw()
    assert window.face.banner.isHidden()


def test_a_snapshot_that_cannot_be_written_is_said(window, qtbot, tmp_path, status_of):
    window._folder = tmp_path / "missing"
    draw(window, after(status_of()))
    press(qtbot, window, "S")
    assert "No snapshot" in window.face.banner.text()
    assert window.face.banner.property("level") == "error"


def test_a_long_name_of_another_script_can_be_saved(
    window, qtbot, tmp_path, estimate_of, status_of
):
    draw(window, after(status_of(), estimate_of(series="\U00020000" * 100)))
    press(qtbot, window, "S")
    assert "Saved as" in window.face.banner.text()
    assert len(list(tmp_path.glob("*.png"))) == 1


@pytest.mark.parametrize("key", ["S", "E"])
def test_a_folder_that_cannot_be_looked_into_is_said(
    window, qtbot, tmp_path, estimate_of, status_of, key
):
    window._folder = tmp_path / ("long" * 100)
    draw(window, after(status_of(), estimate_of()))
    press(qtbot, window, key)
    assert "too long" in window.face.banner.text()
    assert window.face.banner.property("level") == "error"


def test_what_the_disk_refuses_is_not_hidden_by_what_the_window_says(window, status_of):
    draw(window, after(status_of(problem="disk full; make room")))
    window.say("Saved.")
    assert window.face.banner.text() == "disk full; make room"


def test_what_the_window_says_gives_way_to_advice_again(window, clock, status_of):
    advice = advice_message(AdviceGiven("Take an image in focus."), t_published=0.0)
    draw(window, after(status_of(), advice))
    window.say("Saved.")
    assert window.face.banner.text() == "Saved."
    clock.now += SAID_FOR_S
    window.redraw()
    assert window.face.banner.text() == "Take an image in focus."


@pytest.mark.parametrize("key", ["?", "Escape", "click"])
def test_the_list_of_keys_opens_and_closes(window, qtbot, key):
    window.actions_["keys"].trigger()
    assert window.help.isVisible()
    assert window.rect().contains(window.help.geometry())
    if key == "click":
        qtbot.mouseClick(window.help, QtCore.Qt.MouseButton.LeftButton)
    elif key == "?":
        window.actions_["keys"].trigger()
    else:
        press(qtbot, window, key)
    assert not window.help.isVisible()
    assert not window.actions_["keys"].isChecked()


def test_every_key_is_in_the_list(window):
    told = {label.text() for label in window.help.findChildren(QtWidgets.QLabel)}
    wanted = {command.keys[0] for command in COMMANDS if command.keys}
    assert wanted | {choice.keys[0] for choice in LOOK_KEYS} <= told


def test_no_key_does_two_things(qapp):
    keys = [key for command in COMMANDS for key in command.keys]
    keys += [key for choice in LOOK_KEYS for key in choice.keys]
    assert len(set(keys)) == len(keys)
    arrows = {"Up", "Down", "Left", "Right"}
    assert not arrows & set(keys)


def test_a_button_stands_for_each_command_that_has_one(qtbot):
    window = QtWidgets.QMainWindow()
    qtbot.addWidget(window)
    actions = Actions(window)
    for command in COMMANDS:
        assert actions[command.name].isCheckable() == command.is_toggle
        assert command.keys[0] in actions[command.name].toolTip()


def test_layout_and_look_are_as_they_were_left(window, qtbot, tmp_path, clock):
    kept = kept_choices(tmp_path / "choices.ini")
    window.set_look(Look(theme="light", contours=True))
    splitter = window.face.named_splitters["lower"]
    splitter.setSizes([400, 900])
    sizes = splitter.sizes()
    keep(window, kept)
    other = DashboardWindow(clock=clock, folder=tmp_path)
    other._timer.stop()
    qtbot.addWidget(other)
    restore(other, kept_choices(tmp_path / "choices.ini"))
    with qtbot.waitExposed(other):
        other.show()
    assert other.look == Look(theme="light", contours=True)
    # The window is cut to the screen, here a small one; its parts keep their shares.
    left, right = other.face.named_splitters["lower"].sizes()
    assert left / right == pytest.approx(sizes[0] / sizes[1], rel=0.1)
    assert left < 0.6 * right


def test_damaged_choices_are_as_at_first(window, tmp_path):
    path = tmp_path / "choices.ini"
    path.write_text("[General]\nlook=nonsense{\ngeometry=12\n[splitters]\nlower=x\n")
    restore(window, kept_choices(path))
    assert window.look == Look()


def test_choices_too_deep_to_read_are_as_at_first(window, tmp_path):
    path = tmp_path / "choices.ini"
    path.write_text(f'[General]\nlook="{"[" * 100_000}"\n')
    restore(window, kept_choices(path))
    assert window.look == Look()


def test_the_fit_of_each_frame_is_a_point(window, estimate_of, status_of):
    draw(window, after(status_of(), estimate_of(holdout=(1.0, 7.5))))
    points = window.face.fit_plot.points
    assert [tuple(point.pos()) for point in points.points()] == [(0.0, 1.0), (1.0, 7.5)]
    colours = [point.brush().color().name() for point in points.points()]
    assert colours == [theme.DARK.accent, theme.DARK.bad]


def test_frames_and_steps_a_second_are_told(window, estimate_of, status_of):
    first, second = status_of(stored=0), status_of(stored=2)
    second.header["t_published"] += 4.0
    draw(window, after(first, second))
    assert "0.5 frames/s" in window.face.strip.counters.text()
