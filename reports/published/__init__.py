"""A curve that somebody published, means and a spread without samples, drawn over one of a report's."""
