"""How much a peer may send; each limit is checked before memory is taken for it."""

from __future__ import annotations

MAX_HEADER_BYTES = 64 * 2**10
"""JSON of a frame, an acknowledgement or a control message."""

MAX_RESULT_HEADER_BYTES = 4 * 2**20
"""JSON of a result; the status carries the frame table of a whole series."""

MAX_RESULT_BYTES = 2**30
"""One result with its arrays, as a client accepts it."""

MAX_PARTS = 8
"""Parts of any message; none of ours has more than five, routing and topic included."""

MAX_ARRAYS = 16
"""Arrays in one result."""

MAX_DIMENSIONS = 4
"""Axes of an array in a result."""

MAX_JSON_DEPTH = 32
"""Lists and objects inside each other."""

MAX_ID_CHARACTERS = 256
"""Length of a producer, a series, an operation and other short names."""

MAX_REASON_CHARACTERS = 2000
"""Length of a reason or an error that a peer states."""

MAX_WHOLE_NUMBER = 2**53 - 1
"""The largest whole number that JSON readers of every language keep exact."""

MAX_PLANNED_FRAMES = 4096
"""Entries of a defocus plan."""

MAX_LISTED_FRAMES = 2000
"""Rows of the frame table in a status; the newest stay."""

# Ranges of what a producer states, the same as in ltemlive.series.
DEFOCUS_NM = (-1e9, 1e9)
VOLTAGE_KV = (10.0, 3000.0)
PIXEL_NM = (1e-6, 1e5)
EXPOSURE_S = (0.0, 1e6)
UNIX_TIME_S = (0.0, 253402300799.0)
"""Seconds since 1970 up to the end of the year 9999, which calendars can show."""
