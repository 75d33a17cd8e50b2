"""What can be done to a sample, as records: which flow, window and replacement, and which controls."""
