"""How often the verdicts are wrong, measured on made-up populations whose truth is known.

``python -m harness.validation.calibration`` runs the benchmark and writes ``results.json`` and ``results.md``
beside this file; with ``--resume`` it goes on from where it was stopped. ``populations`` makes the
samples; ``edges`` and ``powers`` say what is true of them, as ``cases``; ``simulation`` counts verdicts,
many data sets at a time (``batch``); ``report`` writes them down.
"""
