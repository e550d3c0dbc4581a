"""The clients of bench-server: the load client in C, several of them as a group, and a burst of connections."""
