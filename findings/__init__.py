"""The claims of the paper, one file per part, one test per claim; a docstring is the claim."""
