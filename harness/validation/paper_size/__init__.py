"""The claims' own statements on made-up curves of the paper's size, where the truth is known."""
