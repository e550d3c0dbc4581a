"""The system under test: a TCP server that holds many long connections, one small file per concurrency model.

It knows nothing of Locust or of the lab. Standard library and prometheus-client only. Start it with `python -m server`.
"""
