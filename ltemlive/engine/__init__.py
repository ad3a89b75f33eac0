"""The live phase of one series, frame by frame, and what is told of it."""

from ltemlive.engine.live import LiveEngine

__all__ = ["LiveEngine"]
