"""The ways to run a lab, behind one interface: containers of a Docker engine, or local processes."""
