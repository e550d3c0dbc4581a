"""What a run leaves behind: artefacts, the HTML report, the console's lines and tables."""
