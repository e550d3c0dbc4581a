"""The benchmarks: commands that measure, print a table and write it down. `python -m lab bench-load|bench-server`.

harness is shared by both, charts draws their pictures, load and server measure, peers has the programs of the peers.
"""
