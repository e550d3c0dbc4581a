"""What the caller gives beside flags: variables of make, the file `.env`, settings that a scenario declares."""
