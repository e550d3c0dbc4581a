"""The rows of bench-load for what one feature of a session costs: TLS, replies by key, heartbeats, conversations."""
