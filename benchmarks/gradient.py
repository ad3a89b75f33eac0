"""Compare one gradient of the objective with the Fourier transforms that it needs.

For K images a gradient needs 2K + 2 complex FFTs, and with coherence as a blur of the
intensity 4K real half FFTs more. Both run in graphs that repeat them, as the solver does,
with the same number of threads, and take turns; the ratio is the median over all turns.

Memory is measured in a process for each K: the peak while gradients are computed, less
what the process took before it held the series. It should grow as the series does.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from reporting import Row, parser, report

from ltemlive.recon import runtime  # before TensorFlow: it sets how that loads
from ltemlive.recon.field import solved_field
from ltemlive.recon.objective import FocalSeries, objective_and_gradient
from ltemlive.recon.preparation import empty_series
from ltemlive.recon.solver import cold_start

# isort: split
import tensorflow as tf

from ltemlive.physics import optics
from ltemlive.series import Microscope
from ltemlive.settings import SolverSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorflow import Tensor

    Coherence = Literal["wave", "intensity"]

REPEATS = 8
"""Gradients in one graph: calling it costs some of what is measured."""
MIB = 2**20


def main() -> None:
    """Measure time in both modes, then memory, each for every number of images."""
    options = _options()
    runtime.configure(options.threads)
    if options.memory_of is not None:
        print(json.dumps(_memory(options.memory_of, options.size)))
        return
    modes: tuple[Coherence, ...] = ("wave", "intensity")
    rows = [_time(mode, count, options) for mode in modes for count in options.images]
    if not options.skip_memory:
        rows += [_memory_apart(count, options) for count in options.images]
    report(rows, options.json)


def simulated_series(coherence: Coherence, n_images: int, side_px: int) -> FocalSeries:
    """Return a series with true transfer functions and noise for images."""
    microscope = Microscope(
        voltage_kv=200.0, pixel_nm=5.0, coherence=coherence, border="periodic"
    )
    shape = (side_px, side_px)
    empty = empty_series(solved_field(shape, microscope, border_px=0), microscope)
    rng = np.random.default_rng(1)
    defocus_nm = np.linspace(-1.6e6, 1.6e6, n_images)
    transfer = [optics.transfer_function(shape, value, microscope) for value in defocus_nm]
    blur = np.zeros((n_images, 0, 0), np.float32)
    if coherence == "intensity":
        blur = np.stack(
            [optics.intensity_blur(shape, value, microscope) for value in defocus_nm]
        )
    noisy = 1.0 + 0.05 * rng.standard_normal((n_images, *shape), np.float32)
    return empty._replace(
        measured=tf.constant(noisy, tf.float32),
        transfer=tf.constant(np.stack(transfer)),
        blur=tf.constant(blur),
        precision=tf.fill([n_images], 400.0),
    )


def repeated_gradients(series: FocalSeries) -> Callable[[], Tensor]:
    """Return a graph that computes ``REPEATS`` gradients, one after the other."""
    state = cold_start(series, SolverSettings())
    prior = state.prior

    @tf.function
    def gradients(unknowns: Tensor, series: FocalSeries) -> Tensor:
        for _ in tf.range(REPEATS):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            _, gradient = objective_and_gradient(unknowns, series, prior)
            with tf.control_dependencies([gradient]):
                unknowns = tf.identity(unknowns)
        return unknowns[0, 0, 0]

    start = tf.constant(_noise(tuple(state.unknowns.shape)))
    return lambda: gradients(start, series)


def repeated_ffts(series: FocalSeries, threads: int) -> Callable[[], Tensor]:
    """Return a graph with ``REPEATS`` times the FFTs of one gradient, and nothing else.

    The images' go to the threads in equal parts, as those of the gradient do: faster than
    one after the other with all threads.
    """
    n_images, ny, nx = series.measured.shape
    blurs = bool(series.blur.shape[-1])

    def of_image(wave: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        if blurs:
            image = tf.signal.irfft2d(tf.signal.rfft2d(image), [ny, nx])
            image = tf.signal.irfft2d(tf.signal.rfft2d(image), [ny, nx])
        return tf.signal.fft2d(tf.signal.ifft2d(wave)), image

    @tf.function
    def ffts(wave: Tensor, image: Tensor, n_images: Tensor) -> Tensor:
        for _ in tf.range(REPEATS):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            wave = tf.signal.fft2d(wave)
            ends = []
            for first in range(threads):
                there, seen = wave, image
                for _ in tf.range(first, n_images, threads):
                    tf.autograph.experimental.set_loop_options(parallel_iterations=1)
                    there, seen = of_image(there, seen)
                ends.append((there, seen))
            wave, image = ends[-1]
            with tf.control_dependencies([part for end in ends for part in end]):
                wave = tf.signal.ifft2d(wave)
        return tf.math.real(wave[0, 0]) + image[0, 0]

    image = tf.constant(_noise((ny, nx)))
    wave = tf.complex(image, tf.roll(image, 1, axis=0))
    return lambda: ffts(wave, image, tf.constant(n_images))


def _noise(shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(2).standard_normal(shape, np.float32)


def _time(coherence: Coherence, n_images: int, options: Any) -> Row:
    series = simulated_series(coherence, n_images, options.size)
    gradients, ffts = repeated_gradients(series), repeated_ffts(series, options.threads)
    _seconds(gradients)
    _seconds(ffts)
    pairs = [(_seconds(gradients), _seconds(ffts)) for _ in range(options.pairs)]
    ratios = [gradient / fft for gradient, fft in pairs]
    return {
        "coherence": coherence,
        "images": n_images,
        "gradient ms": statistics.median(pair[0] for pair in pairs) * 1e3,
        "FFTs ms": statistics.median(pair[1] for pair in pairs) * 1e3,
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


def _seconds(graph: Callable[[], Tensor]) -> float:
    started = time.perf_counter()
    graph().numpy()
    return (time.perf_counter() - started) / REPEATS


def _memory_apart(n_images: int, options: Any) -> Row:
    """Measure memory in a process of its own, which gives back at once what is freed."""
    command = [sys.executable, __file__, "--memory-of", str(n_images)]
    command += ["--size", str(options.size), "--threads", str(options.threads)]
    done = subprocess.run(
        command,
        env=os.environ | {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"},
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    mebibytes = {f"{name} MiB": figures[name] / MIB for name in ("series", "peak")}
    return {"coherence": "intensity", "images": n_images, **mebibytes}


def _memory(n_images: int, side_px: int) -> dict[str, int]:
    """Return bytes of the series, and the peak beyond what a warm process takes."""
    repeated_gradients(simulated_series("intensity", 1, side_px))()
    before = _resident("VmRSS")
    series = _flat_series(n_images, side_px)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # restarts VmHWM
    repeated_gradients(series)().numpy()
    held = sum(image.shape.num_elements() * image.dtype.size for image in series)
    return {"series": held, "peak": _resident("VmHWM") - before}


def _flat_series(n_images: int, side_px: int) -> FocalSeries:
    """Return a series of constant images, made without temporary copies."""
    series = simulated_series("intensity", 1, side_px)
    shape = (n_images, side_px, side_px)
    return series._replace(
        measured=tf.fill(shape, 1.0),
        transfer=tf.fill(shape, tf.constant(1.0, tf.complex64)),
        blur=tf.fill((*shape[:2], side_px // 2 + 1), 1.0),
        precision=tf.fill([n_images], 400.0),
    )


def _resident(name: str) -> int:
    """Return VmRSS (now) or VmHWM (peak) of this process in bytes; Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _options() -> Any:
    arguments = parser(__doc__)
    arguments.add_argument(
        "--images", type=int, nargs="+", default=[4, 20], help="numbers of images"
    )
    arguments.add_argument("--size", type=int, default=512, help="side in pixels")
    arguments.add_argument("--threads", type=int, default=2, help="of TensorFlow")
    arguments.add_argument("--pairs", type=int, default=15, help="turns (default: 15)")
    arguments.add_argument("--skip-memory", action="store_true", help="time only")
    arguments.add_argument("--memory-of", type=int, metavar="K", help="memory of K only")
    return arguments.parse_args()


if __name__ == "__main__":
    main()
