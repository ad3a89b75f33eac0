"""What the window shows, as values: checked, derived and worded. Pure."""
