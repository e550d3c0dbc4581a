"""The lab's tab in Locust's page, and the master's own endpoints."""
