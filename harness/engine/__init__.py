"""Run interventions: the slow reference, the exact sweep, the logit lens, greedy answers."""
