"""Counts of connections and messages, how long each took, and the report that carries both to the master."""
