"""What ``simulate`` shows instead of sending frames: a list, a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ltemlive.cli.preview import MAX_IMAGES, preview_figure
from ltemlive.cli.specimen_list import SCENARIOS
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario
from simulator.specimen_keys import KINDS

TINY = """\
series: "5 $ tiny"
specimen: {kind: skyrmion_lattice, size_px: 64, margin_px: 8, wall: neel, tilt_x_deg: 20}
microscope: {pixel_nm: 10.0}
defocus_nm: [200000.0, 0.0, -200000.0]
"""


def test_the_list_has_a_line_for_each_kind_and_each_scenario(ltemlive):
    outcome = ltemlive("simulate", "--list")
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    told = {Path(line.split()[0]).name: line.split()[1:] for line in lines if line}
    for name in [*KINDS, *(path.name for path in SCENARIOS.glob("*.yaml"))]:
        assert len(told[name]) > 4


def test_a_preview_is_the_same_bytes_for_the_same_seed_and_sends_nothing(
    ltemlive, tmp_path
):
    (tmp_path / "tiny.yaml").write_text(TINY)
    pages = []
    for name in ("one.png", "two.png"):
        outcome = ltemlive("simulate", "tiny.yaml", "--preview", name, "--seed", 3)
        assert (outcome.status, outcome.err) == (0, "")
        assert outcome.out == f"preview written to {name}\n"
        pages.append(Path(name).read_bytes())
    assert pages[0] == pages[1]
    with Image.open("one.png") as page:
        assert page.width == 1764
        assert np.asarray(page).std() > 20.0
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.yaml", "one.png", "two.png"}


def test_a_preview_shows_each_defocus_in_order_and_of_many_some():
    def titles(defocus_nm):
        specimen = {"kind": "wedge", "size_px": 32, "margin_px": 0}
        plan = Scenario.model_validate({"specimen": specimen, "defocus_nm": defocus_nm})
        figure = preview_figure(plan, Acquisition(plan))
        words = (axes.get_title(loc="left") for axes in figure.axes)
        return [text for text in words if "focus" in text], figure

    few, _ = titles([2e5, 0.0, -2e6])
    assert few == ["overfocus 2 mm", "in focus", "underfocus 200 \N{MICRO SIGN}m"]
    many, figure = titles([1e3 * count for count in range(40)])
    assert len(many) == MAX_IMAGES
    assert (many[0], many[-1]) == ("in focus", "underfocus 39 \N{MICRO SIGN}m")
    assert any("12 of 40 images" in text.get_text() for text in figure.texts)
    pairs, _ = titles([sign * 1e3 * count for count in range(1, 13) for sign in (-1, 1)])
    assert sum(text.startswith("overfocus") for text in pairs) == MAX_IMAGES // 2
    assert (pairs[0], pairs[-1]) == (
        "overfocus 12 \N{MICRO SIGN}m",
        "underfocus 12 \N{MICRO SIGN}m",
    )


def test_a_preview_is_a_png(ltemlive, tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    outcome = ltemlive("simulate", "tiny.yaml", "--preview", "page.jpg")
    assert outcome.status == 2
    assert outcome.err == (
        "ltemlive: --preview page.jpg: expected a name that ends in .png\n"
    )
    outcome = ltemlive("simulate", "tiny.yaml", "--preview", "nowhere/page.png")
    assert outcome.status == 1
    assert outcome.err.startswith("ltemlive: nowhere/page.png: cannot be written")


def test_a_specimen_that_cannot_be_made_is_refused_before_anything_is_sent(
    ltemlive, tmp_path
):
    (tmp_path / "tiny.yaml").write_text("specimen: {kind: micromagnetic, file: none.ovf}\n")
    outcome = ltemlive("simulate", "tiny.yaml", "--to", "folder", "share")
    assert outcome.status == 2
    assert outcome.err.startswith("ltemlive: none.ovf: expected a readable OVF file")
    assert not (tmp_path / "share").exists()
