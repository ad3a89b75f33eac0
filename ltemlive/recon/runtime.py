"""How TensorFlow is set up: once per process, before its first operation."""

from __future__ import annotations

import tensorflow as tf


def configure(threads: int) -> None:
    """Fix the threads and ask for deterministic operations, so that a replay matches.

    A second call with the same number changes nothing; TensorFlow refuses another number
    once it has started. The images of a series are shared out to the threads (the pool
    between operations); within one operation there is a single thread, or else XLA would
    split each image's loops over threads that have images of their own to do.
    """
    if tf.config.threading.get_inter_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()


def device_name() -> str:
    """Return the device that solves, e.g. ``CPU (2 threads)`` or ``GPU NVIDIA H200``."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return f"GPU {details.get('device_name', gpus[0].name)}"
    threads = tf.config.threading.get_inter_op_parallelism_threads()
    return f"CPU ({threads} threads)"
