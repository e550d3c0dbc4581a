"""The wire format, pure: framings, payloads, and the data received on a connection."""
