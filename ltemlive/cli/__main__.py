"""``python -m ltemlive.cli``: the same as the command ``ltemlive``."""

from ltemlive.cli.application import main

main()
