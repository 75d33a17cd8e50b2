"""Files from strangers, through the doors by which they come in: mutated by the thousand.

`pytest harness/tests/strangers` tries a hundredth of them; ``STRANGERS=1`` before it, all (`guard.files`).
"""
