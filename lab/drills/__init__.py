"""Drills: a fault in a run that holds steadily, which always heals, with its predicted effect and its recovery."""
