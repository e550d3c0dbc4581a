"""Why a run did not pass: pure functions, and the table that puts them in order."""
