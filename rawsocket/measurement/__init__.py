"""What became of every connection and message, and how long each took."""
