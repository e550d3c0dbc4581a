"""Pages as HTML, each one file without any request: the report of a run, a comparison of runs, a list of runs; pure."""
