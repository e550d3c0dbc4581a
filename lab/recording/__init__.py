"""Records the dialogue of a real client with a server, live or from a capture, and writes it as a conversation."""
