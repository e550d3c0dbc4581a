"""The lab in containers: compose starts and removes them, the Docker SDK reads what they do."""
