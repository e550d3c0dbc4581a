"""What both benchmarks share to measure and report: trials, /proc, programs in C, processes that answer in JSON."""
