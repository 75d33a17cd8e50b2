"""The HTML page: what each of its sections shows, and the templates."""
