"""The rows of bench-server, a file for each kind. A new row is a file here and a line in ../table.py."""
