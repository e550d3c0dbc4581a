"""Reads the YAML file of a conversation, checks it, and makes the plan of it that workers execute."""
