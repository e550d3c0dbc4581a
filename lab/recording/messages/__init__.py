"""Finds messages, their names and the secrets in recorded bytes. All files are pure."""
