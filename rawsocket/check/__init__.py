"""One connection plays one round of a scenario, and what was said is shown byte by byte."""
