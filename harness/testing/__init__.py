"""What tests and validation share: small models, made-up curves, a stand-in for the measurer."""
