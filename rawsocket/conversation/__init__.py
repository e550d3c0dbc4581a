"""Conversations: what users say and hear, described in a file instead of in Python."""
