"""The benchmarks: commands that measure, print a table and write it down. `python -m lab bench-load|bench-server`.

harness measures and reports, results has its data, charts its pictures; load and server are the two benchmarks, peers
has the programs of the peers.
"""
