"""Pages about several runs, made from the files of their folders: the comparison, the list of all runs."""
