"""bench-load: the load generator against its peers."""
