"""What the server says about itself: counters, /metrics and /healthz, and the log."""
