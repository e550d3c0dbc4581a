"""What runs in every process that has users: its report, its limits, its own lag."""
