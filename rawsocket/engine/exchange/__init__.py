"""What a connection needs beyond the usual case of one message in flight whose reply comes in one read."""
