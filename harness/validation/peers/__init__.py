"""The same knockouts in other libraries: ``python -m harness.validation peers``."""
