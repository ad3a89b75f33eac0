"""What can go wrong because of the outside world, one class per kind of culprit.

The message of every error is one line that names where, what was expected, what came and
the remedy. The command line prints it and exits with ``exit_code``.
"""


class LtemLiveError(Exception):
    """Anything the user, a peer or the disk did that ltemlive cannot go on with."""

    exit_code = 1


class ConfigError(LtemLiveError):
    """Settings, a series description or a command-line value is wrong."""

    exit_code = 2


class FrameError(LtemLiveError):
    """One image or its metadata cannot be used."""

    exit_code = 2


class WireError(LtemLiveError):
    """A peer broke the wire format; the message is dropped, the connection stays."""


class RecordingError(LtemLiveError):
    """The session folder cannot be written or read."""


class MissingLibraryError(LtemLiveError):
    """A library the command needs is not here; the message says how to get it."""
