"""Each form on curves whose truth is known, both ways, and its ingredients against closed forms."""
