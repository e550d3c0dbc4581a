"""What runs in every process that has users: the agent that reports, its limits, its lag, its group of users."""
