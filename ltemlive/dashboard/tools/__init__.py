"""What the user measures with: drawn on the maps, told in panels of their own."""
