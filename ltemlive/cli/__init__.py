"""The commands of ltemlive; each imports what it needs when it runs."""
