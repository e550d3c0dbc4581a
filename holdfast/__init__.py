"""What `pip install holdfast` adds to the load library: the command `holdfast`, and the files that a lab consists of.

In a wheel this folder also has copies of lab/, server/, the built-in scenarios, compose.yaml and the Dockerfile
(setup.py). They are not packages at the top level there: `lab` and `server` are names that others use as well.
"""
