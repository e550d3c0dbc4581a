"""The master of a lab: the run controller, the current run, the page, metrics, the verdict, artefacts."""
