"""The host side of the lab: it starts labs and runs, collects their artefacts and cleans up. Only bench/ imports it."""
