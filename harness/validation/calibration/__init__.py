"""How often the verdicts are wrong, measured on made-up populations whose truth is known.

``python -m harness.validation calibration`` writes ``results.json`` and ``results.md`` beside this file; with
``--resume`` it goes on from where it was stopped. In reading order: ``populations`` makes the samples;
``trees`` has the forms and ``cells.toml`` what is true of them, together the ``cases``; ``simulation`` counts
verdicts, many data sets at a time (``batch``); ``schedule`` says which cells are counted how often, and
``report`` writes the counts down.
"""
