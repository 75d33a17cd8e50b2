"""pytest and the terminal: options, the run, xdist's workers, progress, the record of the run."""
