"""Samples, data sets, depth and windows: plain data and numbers, without torch."""
