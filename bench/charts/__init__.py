"""Pure: the pictures of the benchmarks, as SVG."""
