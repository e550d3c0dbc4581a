"""The user's own server in a container of the lab: its image, its service, its CPU and memory."""
