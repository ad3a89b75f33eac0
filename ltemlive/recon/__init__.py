"""The phase reconstruction: the only room that knows TensorFlow."""

import os

# TensorFlow reads both while it loads. Without the first, C++ notices fill the terminal.
# XLA's FFT on the CPU takes one thread or all, whichever thread it happens to run on, and
# rounds differently: no replay would match. So XLA stays on one thread, and the images of
# a series are spread over the threads instead (docs/decisions/0007).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
if _ONE_THREAD not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_ONE_THREAD}".strip()
