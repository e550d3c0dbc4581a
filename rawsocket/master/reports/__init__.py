"""The results of a run: artefacts, the HTML report, the console's lines and tables."""
