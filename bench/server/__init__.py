"""bench-server: the select server against its peers."""
