"""The host side of the lab: starts it, watches it, brings its artefacts home, cleans up. Imported by nobody."""
