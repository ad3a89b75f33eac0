"""Live phase reconstruction beside a Lorentz transmission electron microscope."""

__version__ = "0.1.0"
