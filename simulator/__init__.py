"""A microscope that stands in for the real one, with optics of its own."""
