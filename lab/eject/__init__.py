"""Writes a conversation as a session in Python, for a user who outgrows the file."""
