"""The parts of every process with users: the agent that reports, its limits, its lag, its group of users."""
