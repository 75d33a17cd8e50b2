"""Snapshots of one training side by side: which stage of the flow appears when."""
