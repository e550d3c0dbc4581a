"""What runs beside Locust's master: gauge, page, state, metrics, verdict, artefacts. `attach` alone hooks it in."""
