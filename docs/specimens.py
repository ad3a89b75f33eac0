"""Make the pictures of simulator.md: the pages that ``ltemlive simulate --preview`` draws.

.venv/bin/python docs/specimens.py [--images DIR]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from ltemlive.cli.preview import write_preview
from simulator.acquisition import Acquisition
from simulator.scenario import load_scenario

HERE = Path(__file__).parent
SCENARIOS = HERE.parent / "config" / "scenarios"
SHOWN = ("vortices", "labyrinth", "skyrmions")

_WIDTH_PX = 1260


def main() -> None:
    """Draw each page; the same scenario gives the same picture."""
    arguments = argparse.ArgumentParser(description="Make the pictures of simulator.md.")
    arguments.add_argument("--images", type=Path, default=HERE / "images")
    folder = arguments.parse_args().images
    for name in SHOWN:
        plan = load_scenario(SCENARIOS / f"{name}.yaml")
        path = folder / f"specimen-{name}.png"
        write_preview(path, plan, Acquisition(plan))
        _shrink(path)
        print(path)


def _shrink(path: Path) -> None:
    """Make a picture a fifth as large: noise is what costs, and 256 colours will do."""
    with Image.open(path) as opened:
        page = opened.convert("RGB")
    height = round(page.height * _WIDTH_PX / page.width)
    page = page.resize((_WIDTH_PX, height), Image.Resampling.LANCZOS)
    few = page.quantize(256, kmeans=2)
    page.quantize(palette=few).save(path, optimize=True)


if __name__ == "__main__":
    main()
