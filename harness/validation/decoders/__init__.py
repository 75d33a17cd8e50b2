"""Every decoder that transformers' LLaVA accepts by configuration: exact, or refused by name."""
