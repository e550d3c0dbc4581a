"""The verdict of a run, pure: thresholds, saturation of the generator, the ledger."""
