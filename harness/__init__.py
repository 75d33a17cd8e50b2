"""Run LLaVA with attention edges knocked out, and judge what that says about a claim.

Researchers start at `harness.api`.
"""
