"""Runs under a load shape: the levels of a run, their figures, and what drives them."""
