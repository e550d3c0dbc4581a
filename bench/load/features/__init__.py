"""The rows of bench-load that measure what one feature of a session costs: TLS, replies by key, heartbeats."""
