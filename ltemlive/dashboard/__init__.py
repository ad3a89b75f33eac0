"""The window: a pure snapshot, a listener thread, and widgets that only draw."""
