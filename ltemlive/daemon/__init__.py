"""The threads: ingest, solving and serving, wired around pure rooms."""
