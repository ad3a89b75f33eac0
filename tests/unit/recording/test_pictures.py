import json

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from ltemlive.physics.colour import induction_rgb, induction_scale_t_nm
from ltemlive.recording import pictures
from ltemlive.recording.drawing import length_text, levels, round_length_nm
from ltemlive.recording.findings import Findings, findings_of, known_maps
from ltemlive.recording.pictures import picture, write_picture


def drawn(figure):
    """Return the pixels of a figure, (ny, nx, 3)."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def place(figure, axes):
    """Return (top, bottom, left, right) of axes in the pixels of the figure."""
    box = axes.get_window_extent()
    height = figure.canvas.get_width_height()[1]
    return tuple(round(edge) for edge in (height - box.y1, height - box.y0, box.x0, box.x1))


def map_of(figure):
    pixels = drawn(figure)
    top, bottom, left, right = place(figure, figure.axes[0])
    return pixels[top:bottom, left:right]


def findings_with(make_result, pixel_nm=5.0, **arrays):
    return Findings("series", pixel_nm, known_maps(arrays), make_result().report)


def field(y, x, shape=(24, 31)):
    """A field with a rim of none, so that the scale is its own."""
    values = np.zeros((2, *shape), np.float32)
    values[:, 2:-2, 2:-2] = np.array([y, x], np.float32)[:, None, None]
    return values


@pytest.mark.parametrize("shape", [(33, 50), (300, 17), (24, 201), (1100, 1025)])
def test_every_pixel_of_a_map_is_a_square_of_whole_pixels(make_result, shape):
    values = np.random.default_rng(1).random(shape, np.float32)
    findings = findings_with(make_result, phase=values)
    shown = map_of(picture(findings, findings.map("phase")))
    zoom = max(1, 1024 // max(shape))
    assert shown.shape == (zoom * shape[0], zoom * shape[1], 3)
    low, high = levels(values)
    colours = mpl.colormaps["viridis"]((values - low) / (high - low), bytes=True)[..., :3]
    expected = np.kron(colours.astype(int), np.ones((zoom, zoom, 1), int))
    # The scale bar and its text lie in the lower half.
    free = slice(0, shown.shape[0] // 2)
    assert np.abs(shown[free] - expected[free]).max() <= 1


@pytest.mark.parametrize(
    ("shape", "pixel_nm", "length_nm"),
    [((64, 64), 5.0, 50.0), ((100, 161), 1.25, 50.0), ((90, 40), 30.0, 200.0)],
)
def test_the_scale_bar_is_as_long_as_it_says(make_result, shape, pixel_nm, length_nm):
    findings = findings_with(make_result, pixel_nm, phase=np.zeros(shape, np.float32))
    figure = picture(findings, findings.map("phase"))
    assert length_text(length_nm) in [text.get_text() for text in figure.axes[0].texts]
    (bar,) = figure.axes[0].patches
    assert bar.get_width() * pixel_nm == pytest.approx(length_nm)
    zoom = 1024 // max(shape)
    white = (map_of(figure) == 255).all(axis=-1)
    longest = max(white.sum(axis=1))
    assert longest == pytest.approx(length_nm / pixel_nm * zoom, abs=1.0)


def test_a_thinned_map_keeps_its_scale(make_result, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_SIDE_PX", 64)
    values = np.zeros((100, 200), np.float32)
    findings = findings_with(make_result, phase=values)
    figure = picture(findings, findings.map("phase"))
    (bar,) = figure.axes[0].patches
    assert figure.axes[0].images[0].get_array().shape == (25, 50)
    assert bar.get_width() * 5.0 * 4 == pytest.approx(200.0)


@pytest.mark.parametrize("direction", [(0, 1), (1, 0), (0, -1), (-1, 0), (0.7, 0.7)])
def test_the_wheel_has_in_each_direction_the_colour_of_a_field_along_it(
    make_result, direction
):
    findings = findings_with(make_result, induction=field(*direction))
    figure = picture(findings, findings.map("induction"))
    pixels = drawn(figure)
    top, bottom, left, right = place(figure, figure.axes[0])
    of_field = pixels[(top + bottom) // 2, (left + right) // 2]
    top, bottom, left, right = place(figure, figure.axes[1])
    y, x = np.array(direction) / np.hypot(*direction) * 0.45 * (bottom - top)
    of_wheel = pixels[round((top + bottom) / 2 + y), round((left + right) / 2 + x)]
    unlike = pixels[round((top + bottom) / 2 - y), round((left + right) / 2 - x)]
    # Near the rim the wheel is at nine tenths of its brightness.
    assert np.abs(of_wheel / of_wheel.max() - of_field / of_field.max()).max() < 0.06
    assert np.abs(unlike / unlike.max() - of_field / of_field.max()).max() > 0.2


def test_the_rim_of_the_wheel_says_how_strong_a_field_it_is(make_result):
    findings = findings_of(make_result())
    induction = findings.map("induction").values
    figure = picture(findings, findings.map("induction"))
    expected = induction_rgb(induction, scale_t_nm=induction_scale_t_nm(induction))
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), expected)
    words = f"{induction_scale_t_nm(induction):.3g} T nm\nat the rim"
    assert figure.axes[1].get_title() == words
    assert "electrostatic phase" in figure.axes[1].texts[0].get_text()


def test_of_the_gradient_the_magnitude_is_drawn_from_zero_on(make_result):
    findings = findings_of(make_result())
    gradient = findings.map("gradient").values
    figure = picture(findings, findings.map("gradient"))
    image = figure.axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), np.hypot(*gradient))
    assert image.get_clim()[0] == 0.0
    assert figure.axes[1].get_title(loc="left") == "rad/nm"


@pytest.mark.parametrize("name", ["phase", "gradient", "induction", "amplitude"])
def test_a_picture_holds_its_provenance(make_result, tmp_path, name):
    findings = findings_of(
        make_result(title="\N{CJK UNIFIED IDEOGRAPH-6E2C} $x", origin={"session": "s"})
    )
    write_picture(tmp_path / "p.png", findings, findings.map(name))
    with Image.open(tmp_path / "p.png") as image:
        image.load()
        text = image.text
    assert text["Software"] == text["program"] == "ltemlive 0.1.0"
    assert text["Title"] == f"{findings.title}: {name}"
    assert (text["quantity"], text["session"], text["pixel_nm"]) == (name, "s", "5.0")
    assert json.loads(text["defocus_nm"]) == [-1.6e6, 1.6e6]


@pytest.mark.parametrize("shape", [(16, 400), (400, 16), (64, 64)])
def test_nothing_leaves_the_picture(make_result, shape):
    findings = findings_of(make_result(shape=shape))
    for quantity in findings.maps:
        figure = picture(findings, quantity)
        figure.canvas.draw()
        outer = figure.bbox
        for axes in figure.axes:
            box = axes.get_tightbbox()
            assert outer.x0 <= box.x0
            assert box.x1 <= outer.x1, quantity.name
            assert outer.y0 <= box.y0
            assert box.y1 <= outer.y1, quantity.name


def test_maps_without_a_value_or_with_one_alone_are_drawn(make_result):
    flat = np.zeros((20, 20), np.float32)
    holes = flat.copy()
    holes[4:8] = np.nan
    nothing = np.full_like(flat, np.nan)
    for values in (flat, holes, nothing):
        findings = findings_with(
            make_result, phase=values, induction=np.stack([values, values])
        )
        for quantity in findings.maps:
            assert drawn(picture(findings, quantity)).size


@pytest.mark.parametrize(
    ("length_nm", "rounded", "text"),
    [(0.7, 0.5, "0.5 nm"), (49.0, 20.0, "20 nm"), (2600.0, 2000.0, "2 \N{MICRO SIGN}m")],
)
def test_lengths_are_round_and_in_a_unit_to_read(length_nm, rounded, text):
    assert round_length_nm(length_nm) == rounded
    assert length_text(rounded) == text
