"""Panels for a paper: PDF and SVG in the sizes of its columns, and their data as CSV."""
