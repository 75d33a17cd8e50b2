"""The published JSON Schema of a stored record, and the check against it."""
