"""The wire format, version 1: bytes to values and back, without a socket."""
