"""The settings of the user's own server inside the lab, their checks, and what is said where it does not start."""
