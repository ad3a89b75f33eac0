"""Where the process that solves begins: deaf to signals first, everything else later.

A supervisor signals every process of a service, and Ctrl-C every one of a terminal; the
daemon alone says when the solver has done.
"""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Serve the end of the pipe whose number is the one argument."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Late, for it takes a while: until then a signal would end the process.
    from multiprocessing.connection import Connection

    from ltemlive.daemon.solver_serving import end_with, serve, stand_back

    connection = Connection(int(sys.argv[1]))
    stand_back()
    end_with(connection)
    serve(connection)


if __name__ == "__main__":
    main()
