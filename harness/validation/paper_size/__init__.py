"""The claims' own statements on made-up curves of the paper's size: what comes out where the truth is known."""
