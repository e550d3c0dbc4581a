"""The settings of a load: one table, its flags on Locust's command line, and the checked settings of a process."""
