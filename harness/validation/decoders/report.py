"""What becomes of every decoder, as a page."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version

from harness.data.errors import HarnessError
from harness.validation.decoders.outcomes import Kind, Outcome, outcome
from harness.validation.decoders.tiny_decoder import decoder_types
from harness.validation.tables import Page

LONGEST = 150
"""Letters of a reason that the page shows; its data have all."""
MEANING = """\
Each is a small LLaVA with random weights, saved, loaded as a user would, and swept over every window of
seven flows for three questions. *Exact*: all next-token distributions are what transformers' own eager
forward pass says under explicit additive masks, up to rounding (total variation below 1e-4), knockouts
matter, and the answers are those that transformers generates. *Refused*: one line names the decoder. *Not
made*: transformers makes no small model of the type from sizes alone. A *FAULT* would be a traceback, or
numbers that are wrong without a word.
"""


def run(options: argparse.Namespace) -> Page:
    """Try all decoders, or those asked for, as they usually are and with full attention in every layer.

    Raises:
        HarnessError: if there is no such decoder.
    """
    known = decoder_types()
    unknown = sorted(set(options.types) - set(known))
    if unknown:
        raise HarnessError(f"no decoder {unknown[0]!r} in transformers {version('transformers')}")
    found = []
    for model_type in options.types or known:
        print(model_type, file=sys.stderr)
        found.append((outcome(model_type), outcome(model_type, plain=True)))
    return page(found)


def page(found: Sequence[tuple[Outcome, Outcome]]) -> Page:
    """The page of all outcomes, of each decoder as usual and with full attention."""
    lines = [
        f"# {len(found)} decoders of transformers {version('transformers')} under LLaVA",
        "",
        MEANING,
        "| | " + " | ".join(kind.value for kind in Kind) + " |",
        "| --- |" + " ---: |" * len(Kind),
        _counts("as usual for the type", [usual for usual, _ in found]),
        _counts("full attention in every layer", [plain for _, plain in found]),
        "",
        "| decoder | as usual for the type | full attention in every layer |",
        "| --- | --- | --- |",
        *(f"| {usual.model_type} | {_cell(usual)} | {_cell(plain)} |" for usual, plain in found),
    ]
    data = {
        usual.model_type: [{"kind": one.kind.value, "reason": one.reason} for one in (usual, plain)]
        for usual, plain in found
    }
    return Page("decoders", "\n".join(lines) + "\n", data)


def _counts(name: str, outcomes: Sequence[Outcome]) -> str:
    kinds = Counter(one.kind for one in outcomes)
    return f"| {name} | " + " | ".join(str(kinds[kind]) for kind in Kind) + " |"


def _cell(one: Outcome) -> str:
    reason = one.reason.removeprefix(f"{one.model_type}: ").replace("|", "\\|")
    reason = reason.replace("LlavaForConditionalGeneration on ", "").removesuffix("; it cannot be measured")
    return f"**{one.kind.value}**: {reason if len(reason) <= LONGEST else reason[:LONGEST] + ' …'}"
