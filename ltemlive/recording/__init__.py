"""The session folder: frames and a journal on disk before anyone is told."""
