"""The wire format, pure: framings, payloads, and what has come in on a connection."""
