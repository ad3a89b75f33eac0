import itertools

import matplotlib.image
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from PIL import Image

from ltemlive.events import FrameDeviations, PhaseSigmas
from ltemlive.recording.findings import Findings, findings_of, known_maps
from ltemlive.recording.summary import summary_figure, write_summary
from ltemlive.series import RejectedFrame


def texts_of(figure):
    """Every text on the page, tick labels apart, with its place in pixels."""
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    ticks = {
        id(label)
        for axes in figure.findobj(Axes)
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels(which="both")
    }
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and id(text) not in ticks
    ]


def long_series(make_result, n_used, n_rejected, shape=(32, 32)):
    return make_result(
        shape=shape,
        frames_used=tuple(f"{seq:06d}.tif" for seq in range(n_used)),
        defocus_nm=tuple(1e5 * seq for seq in range(n_used)),
        shift_px=((0.0, 0.0),) * n_used,
        rotation_deg=(-1.25,) * n_used,
        magnification=(0.965,) * n_used,
        frames_rejected=tuple(
            RejectedFrame(f"{seq:06d}.tif", "a long reason " * 20)
            for seq in range(n_rejected)
        ),
        title="a very long $title$ " * 20,
        notes=("A note of many words that fills the line. " * 20,),
        holdout=(1.25,) * n_used,
        deviations=FrameDeviations(defocus_nm=(1.5e4,) * n_used),
        solver={f"setting_{number}": 0.125 for number in range(60)},
    )


def test_the_page_is_a_png_of_some_detail(tmp_path, make_result):
    write_summary(tmp_path / "summary.png", findings_of(make_result()))
    pixels = matplotlib.image.imread(tmp_path / "summary.png")
    assert pixels.shape[0] > 900
    assert pixels.shape[1] > 1500
    assert pixels[0, 0, :3].tolist() == [1.0, 1.0, 1.0]


def test_a_glance_tells_what_was_found(make_result):
    words = "\n".join(
        text for text, _ in texts_of(summary_figure(findings_of(make_result())))
    )
    for expected in (
        "holes",
        "2 frames",
        "5 nm per pixel",
        "200 kV",
        "AD, 3 steps",
        "rad",
        "T nm",
        "50 nm",
        "\N{MINUS SIGN}1,600.0",
        "+1.25, \N{MINUS SIGN}0.50",
        "7: torn",
        "The in-focus frame is missing.",
    ):
        assert expected in words


def test_the_heading_says_how_sure_it_is(make_result):
    findings = findings_of(make_result(uncertainty=PhaseSigmas(0.05, 0.0018, 1.2)))
    words = "\n".join(text for text, _ in texts_of(summary_figure(findings)))
    assert "\N{PLUS-MINUS SIGN} 0.05 rad" in words
    assert "induction \N{PLUS-MINUS SIGN} 1.2 T nm per pixel" in words


@pytest.mark.parametrize(
    ("shape", "n_used", "n_rejected"),
    [((32, 32), 2, 0), ((32, 64), 65, 9), ((64, 32), 65, 9)],
)
def test_no_text_overlaps_another_or_leaves_the_page(
    make_result, shape, n_used, n_rejected
):
    result = long_series(make_result, n_used, n_rejected, shape=shape)
    figure = summary_figure(findings_of(result))
    page = figure.bbox
    placed = texts_of(figure)
    for text, box in placed:
        assert page.x0 <= box.x0, text
        assert box.x1 <= page.x1, text
        assert page.y0 <= box.y0, text
        assert box.y1 <= page.y1, text
    for (one, first), (other, second) in itertools.combinations(placed, 2):
        overlap_x = min(first.x1, second.x1) - max(first.x0, second.x0)
        overlap_y = min(first.y1, second.y1) - max(first.y0, second.y0)
        # Boxes of neighbouring lines share the descenders of the upper one.
        assert overlap_x <= 1.0 or overlap_y <= 4.0, (one, other)


def test_what_the_table_leaves_out_is_counted(make_result):
    figure = summary_figure(findings_of(long_series(make_result, 65, 9)))
    words = [text for text, _ in texts_of(figure)]
    assert "and 63 more in report.json" in words


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": (), "shift_px": None, "steps": 0, "method": "tie"},
        {"objective": (float("nan"), 1.0), "noise_sigma": None},
        {"objective": (0.0, -1.0), "notes": ()},
        {"truth": {"phase": 0.99}, "uncertainty": PhaseSigmas(0.08, 0.002, 1.3)},
        {"title": "\N{CJK UNIFIED IDEOGRAPH-6E2C} \\frac{ $x"},
    ],
)
def test_unusual_results_are_drawn_without_a_warning(make_result, changes):
    figure = summary_figure(findings_of(make_result(**changes)))
    assert texts_of(figure)


def test_a_flat_phase_and_a_phase_with_holes_are_drawn(make_result):
    result = make_result()
    result.phase_rad[:] = 0.0
    assert texts_of(summary_figure(findings_of(result)))
    result.phase_rad[3:6, 3:6] = np.nan
    assert texts_of(summary_figure(findings_of(result)))


def test_the_page_tells_origin_optics_solver_and_versions(make_result):
    result = make_result(
        solver={"method": "ad", "tolerance_rad": 0.005},
        holdout=(1.0, 2.5),
        deviations=FrameDeviations(defocus_nm=(None, 15.7e3)),
        origin={"session": "2026-11-26T201207Z"},
    )
    figure = summary_figure(findings_of(result))
    words = "\n".join(text for text, _ in texts_of(figure))
    for expected in (
        "from: session 2026-11-26T201207Z",
        "optics: spherical_aberration_nm 0, convergence_mrad 0.01",
        "solver: method ad, tolerance_rad 0.005",
        "versions: ltemlive 0.1.0",
        "+1,600.0 \N{PLUS-MINUS SIGN} 15.7",
        "2.50",
    ):
        assert expected in words


def test_a_page_without_a_microscope_and_with_the_phase_alone_is_drawn(make_result):
    phase = np.zeros((20, 30), np.float32)
    report = make_result(
        shift_px=(), rotation_deg=(), magnification=(), holdout=(), method=""
    ).report
    maps = known_maps({"phase": phase})
    words = [text for text, _ in texts_of(summary_figure(Findings("s", 2.0, maps, report)))]
    assert "Phase" in words
    assert "Amplitude" not in words
    assert any("\n3 steps" in text for text in words)


def test_the_picture_of_the_page_holds_its_provenance(tmp_path, make_result):
    write_summary(tmp_path / "s.png", findings_of(make_result()))
    with Image.open(tmp_path / "s.png") as image:
        assert image.text["program"] == "ltemlive 0.1.0"
        assert image.text["Title"] == "holes"
