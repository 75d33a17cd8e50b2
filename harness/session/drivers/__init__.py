"""Measuring beyond one machine: thin drivers of ``pytest findings --measure-only --shard=I/N``."""
