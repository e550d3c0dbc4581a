"""The rows of bench-server: a file for each kind. A new one is its file, and a line in ../plan.py."""
