"""What a parity run tells: the table, the JSON."""
