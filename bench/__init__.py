"""The benchmarks of the host side: commands that measure, print, and write down; nothing here is a timed test."""
