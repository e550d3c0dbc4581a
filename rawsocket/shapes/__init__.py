"""Load shapes: levels of users, one after the other; pure."""
