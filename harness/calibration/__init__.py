"""How often the verdicts are wrong, measured on made-up populations whose truth is known.

``python -m harness.calibration`` runs the benchmark and writes ``results.json`` and ``results.md``
beside this file; ``populations`` makes the samples, ``cases`` says what is true of them, ``simulation``
counts verdicts, ``report`` writes them down.
"""
