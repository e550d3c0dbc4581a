"""What a drill predicts and what it measures: pure arithmetic, used by the lab and by the master."""
