"""The commands of ltemlive; each imports what it needs when it runs."""

from ltemlive.cli.application import app, main

__all__ = ["app", "main"]
