"""How straight-line code becomes machine code."""

from __future__ import annotations

from functools import partial

import tensorflow as tf

compiled = partial(tf.function, jit_compile=True, autograph=False)
"""Decorator: compile a function with XLA, as it stands.

It must not branch or loop on the values of tensors. AutoGraph, which would allow that,
rewrites whatever the function calls, and takes longer over it than XLA does to compile.
"""
