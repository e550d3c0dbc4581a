"""The lab as local processes, for a machine without a Docker engine (Linux)."""
