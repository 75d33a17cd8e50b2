"""From requests to stored numbers, by one process or many."""
