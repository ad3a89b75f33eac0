"""Image files and series folders, in and out."""
