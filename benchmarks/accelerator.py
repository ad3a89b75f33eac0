"""Time the solver's gradient and its search on whatever XLA runs on, a GPU above all.

``export`` needs TensorFlow and no accelerator: it writes the gradient of the objective, and
a search of ten steps, as StableHLO. ``time`` needs JAX, whose XLA compiles that, and no
TensorFlow: so a GPU can be tried that has the one and not the other. The smallest case is
checked against what TensorFlow made of it where it was exported; then all are timed, on
each of the platforms named, in one run.

Times are medians over turns, each of which waits for the device. The gradient of K images
takes 2K + 2 complex FFTs and 4K real half ones, ``FFTs ms`` beside it.
"""

from __future__ import annotations

import argparse
import json
import lzma
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

CASES = ((512, 4), (512, 20), (1024, 20))
"""(side in pixels, images); the gradient of the first is checked."""
PARTS = ("gradient", "search")
NO_PRIOR = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0)
"""Its scalars: computed like any other, and of no weight."""
STEPS = 10
"""Of a search, each with one gradient where the first length goes down."""
MEMORY = 5
"""Pairs the search keeps."""
ALLOWED = 1e-3
"""Relative difference of a gradient between platforms: float32, summed in other orders."""


def main() -> None:
    """Export, or time what was exported."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.action == "export":
        _export(options.folder)
        return
    for row in _rows(options.folder, options.platforms, options.turns):
        print(json.dumps(row), flush=True)


def case_inputs(side_px: int, n_images: int) -> list[NDArray[Any]]:
    """Return unknowns, the parts of a series and of a prior, and a metric: mostly noise."""
    rng = np.random.default_rng(1)
    plane, half = (side_px, side_px), (side_px, side_px // 2 + 1)

    def noise(*shape: int) -> NDArray[np.float32]:
        return rng.standard_normal(shape, np.float32)

    phases = 0.1 * noise(n_images, *plane)
    return [
        0.1 * noise(2, *plane),
        np.ones(plane, np.float32),
        1.0 + 0.05 * noise(n_images, *plane),
        np.exp(1j * phases).astype(np.complex64),
        np.full((n_images, *half), 0.9, np.float32),
        np.ones(plane, np.float32),
        np.full(n_images, 400.0, np.float32),
        1.0 + 0.05 * noise(*plane),
        np.array(400.0, np.float32),
        np.ones((2, *half), np.float32),
        *(np.array(value, np.float32) for value in NO_PRIOR),
        np.zeros((2, *plane), np.float32),
        np.zeros((3, *plane), np.float32),
        np.zeros(half, np.float32),
        np.zeros((2, *plane), np.float32),
        np.full((2, *half), 1e-3 / n_images, np.float32),
    ]


def _export(folder: Path) -> None:
    # Only here: the machine that times has no need of TensorFlow.
    from ltemlive.recon import runtime

    runtime.configure(1)
    import tensorflow as tf

    from ltemlive.recon.lbfgs import lbfgs_init, lbfgs_step
    from ltemlive.recon.objective import FocalSeries, objective_and_gradient
    from ltemlive.recon.priors import Prior

    def gradient(unknowns: Any, *parts: Any) -> Any:
        n_series = len(FocalSeries._fields)
        series, prior = FocalSeries(*parts[:n_series]), Prior(*parts[n_series:-1])
        return objective_and_gradient(unknowns, series, prior)

    def search(unknowns: Any, *parts: Any) -> Any:
        def evaluate(at: Any) -> Any:
            return gradient(at, *parts)

        state = lbfgs_init(unknowns, evaluate, MEMORY, tf.ones([]))
        for _ in tf.range(STEPS):
            state = lbfgs_step(state, evaluate, parts[-1])
        return state.objective, state.gradient, state.evaluations

    for case in CASES:
        inputs = [tf.constant(each) for each in case_inputs(*case)]
        for part, function in zip(PARTS, (gradient, search), strict=True):
            graph = tf.function(function, jit_compile=True)
            text = graph.experimental_get_compiler_ir(*inputs)(
                stage="stablehlo", device_name="/device:CPU:0"
            )
            stem = _stem(folder, part, *case)
            # Masks of real FFTs are written out: long, and all alike.
            stem.with_suffix(".xz").write_bytes(lzma.compress(text.encode()))
            if case == CASES[0] and part == "gradient":
                outputs = [each.numpy() for each in graph(*inputs)]
                np.savez_compressed(stem.with_suffix(".npz"), *outputs)


def _rows(folder: Path, platforms: Sequence[str], turns: int) -> Any:
    for platform in platforms:
        for case in CASES:
            inputs = case_inputs(*case)
            for part in PARTS:
                yield _row(_stem(folder, part, *case), platform, part, case, inputs, turns)


def _row(
    stem: Path,
    platform: str,
    part: str,
    case: tuple[int, int],
    inputs: Sequence[NDArray[Any]],
    turns: int,
) -> dict[str, Any]:
    """Compile and time one part of one case; check it where its results were written."""
    import jax

    device = jax.devices(platform)[0]
    text = lzma.decompress(stem.with_suffix(".xz").read_bytes()).decode()
    started = time.perf_counter()
    run = _compiled(text, device)
    compiled_s = time.perf_counter() - started
    there = [jax.device_put(each, device) for each in inputs]
    outputs = run(there)
    row: dict[str, Any] = {
        "device": device.device_kind,
        "part": part,
        "side": case[0],
        "images": case[1],
        "compile s": round(compiled_s, 2),
        "ms": 1e3 * statistics.median(_seconds(lambda: run(there)) for _ in range(turns)),
    }
    if part == "gradient":
        ffts, wave, image = _ffts(case[1]), jax.lax.complex(there[1], there[1]), there[2]
        ffts(wave, image[0])
        row["FFTs ms"] = 1e3 * statistics.median(
            _seconds(lambda: [ffts(wave, image[0])]) for _ in range(turns)
        )
    else:
        row["evaluations"] = int(outputs[2])
    if stem.with_suffix(".npz").is_file():
        row["difference"] = _difference(outputs, stem.with_suffix(".npz"))
    return row


def _compiled(text: str, device: Any) -> Callable[[Sequence[Any]], list[Any]]:
    """Return what runs a StableHLO module on a device of JAX."""
    from jaxlib import _jax, xla_client

    options = xla_client.CompileOptions()
    options.device_assignment = xla_client.DeviceAssignment.create(
        np.array([[device.id]], np.int32)
    )
    devices = _jax.DeviceList((device,))
    executable = device.client.compile_and_load(text, devices, options)

    def run(arguments: Sequence[Any]) -> list[Any]:
        shards = executable.execute_sharded(list(arguments))
        return [each[0] for each in shards.disassemble_into_single_device_arrays()]

    return run


def _ffts(n_images: int) -> Callable[..., Any]:
    """Return what does the FFTs of one gradient, and hardly anything else."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def ffts(wave: Any, image: Any) -> Any:
        def of_image(_: int, carried: Any) -> Any:
            wave, image = carried
            for _ in range(2):
                image = jnp.fft.irfft2(jnp.fft.rfft2(image), image.shape)
            return jnp.fft.fft2(jnp.fft.ifft2(wave)), image

        wave = jnp.fft.fft2(wave)
        wave, image = jax.lax.fori_loop(0, n_images, of_image, (wave, image))
        return jnp.fft.ifft2(wave).real + image

    return ffts


def _seconds(run: Callable[[], Sequence[Any]]) -> float:
    started = time.perf_counter()
    for output in run():
        output.block_until_ready()
    return time.perf_counter() - started


def _difference(outputs: Sequence[Any], file: Path) -> float:
    """Return how far the gradient is from the one written, relative to its rms."""
    with np.load(file) as written:
        expected = written["arr_1"]
    found = np.asarray(outputs[1])
    difference = float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))
    if not difference <= ALLOWED:
        raise SystemExit(f"{file}: expected a difference up to {ALLOWED}, got {difference}")
    return difference


def _stem(folder: Path, part: str, side_px: int, n_images: int) -> Path:
    return folder / f"{part}_{side_px}_{n_images}"


def _options() -> Any:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("action", choices=("export", "time"))
    arguments.add_argument("folder", type=Path, help="where the exported parts are")
    arguments.add_argument(
        "--platforms", nargs="+", default=["gpu", "cpu"], help="of JAX, in this order"
    )
    arguments.add_argument("--turns", type=int, default=20)
    return arguments.parse_args()


if __name__ == "__main__":
    main()
