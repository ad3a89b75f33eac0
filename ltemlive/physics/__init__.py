"""The physics of Lorentz imaging in NumPy: no files, no sockets, no solver."""
