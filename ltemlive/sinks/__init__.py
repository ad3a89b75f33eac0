"""Where events go: the published results and the answers to requests."""
