"""A folder of the user's own to work in."""
