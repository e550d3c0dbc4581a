"""Blocking calls: one thread or process serves one connection at a time."""
