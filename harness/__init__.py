"""Run a vision-language model with attention edges knocked out, and judge what that says about a claim.

A sample goes down these rooms and never comes back up; each imports only from those above it:

    data           samples, data sets, depth and windows as numbers; no torch
    checkpoint     a folder or hub id becomes a loaded model; a sample becomes tokens and named regions
    interventions  what can be done to a sample, as records, and the controls beside it
    engine         runs them: the slow reference, the exact sweep, the logit lens, greedy answers
    evidence       what was measured, stored so that it survives
    measuring      from requests to stored numbers, by one process or many
    statistics     curves, trees, intervals, looks, the forms of statements; knows nothing of models
    verdicts       a claim, its evidence, its verdict, what was expected of it, a baseline
    session        pytest and the terminal

`plugin` holds pytest's hooks, `api` the few calls a researcher makes from Python. `validation` shows that
all of it is right and fast; `testing` is what it shares with `tests`.
"""
