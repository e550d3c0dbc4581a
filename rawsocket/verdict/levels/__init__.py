"""How the levels of a load shape decide on the verdict of a run."""
