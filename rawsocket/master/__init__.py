"""What runs beside Locust's master: gauge, page, state, metrics, verdict, artefacts. `rawsocket.attach` alone hooks it in."""
