"""The released experiment's inputs, token for token and patch for patch, on every supported class."""
