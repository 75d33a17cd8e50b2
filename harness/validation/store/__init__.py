"""What the store of evidence withstands, and how fast it is; no model, no torch."""
