"""Who a user is: its number in the run, and its row of a CSV file."""
