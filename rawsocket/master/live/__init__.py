"""What is looked at while a run goes on: its samples, its alerts, what happens to the server."""
