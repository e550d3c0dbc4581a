"""What runs beside Locust's master: the run controller, the current run, the page, metrics, the verdict, artefacts."""
