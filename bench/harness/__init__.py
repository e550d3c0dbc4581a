"""What both benchmarks share: trials and records, the lines and sections of a report, /proc, programs in C."""
