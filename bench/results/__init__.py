"""Pure: the results of a benchmark: records of trials, lines and sections of its report."""
