"""What becomes of every decoder, as a page."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from harness.data.errors import HarnessError
from harness.engine.selfcheck import UNMEASURED
from harness.engine.sweep.sweeper import REFUSED
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
numbers that are wrong without a word. What the sweep refuses is tried once more by `--reference`, one full
masked pass of the model's own a knockout.
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
        found.append(_tried(model_type))
    return page(found)


@dataclass(frozen=True)
class Tried:
    """What became of one type of decoder.

    Attributes:
        usual: as is usual for the type.
        plain: with full attention in every layer.
        reference: as usual, by the reference; None where the sweep measures it, or there is nothing to.
    """

    usual: Outcome
    plain: Outcome
    reference: Outcome | None

    @property
    def outcomes(self) -> list[Outcome]:
        """Those there are."""
        return [one for one in (self.usual, self.plain, self.reference) if one is not None]


def _tried(model_type: str) -> Tried:
    usual = outcome(model_type)
    again = usual.kind is Kind.REFUSED
    slow = outcome(model_type, by_reference=True) if again else None
    return Tried(usual, outcome(model_type, plain=True), slow)


def page(found: Sequence[Tried]) -> Page:
    """The page of all outcomes."""
    slow = [one.reference for one in found if one.reference is not None]
    lines = [
        f"# {len(found)} decoders of transformers {version('transformers')} under LLaVA",
        "",
        MEANING,
        "| | " + " | ".join(kind.value for kind in Kind) + " |",
        "| --- |" + " ---: |" * len(Kind),
        _counts("as usual for the type", [one.usual for one in found]),
        _counts("full attention in every layer", [one.plain for one in found]),
        _counts("as usual, what the sweep refuses by the reference", slow),
        "",
        "| decoder | as usual for the type | full attention in every layer | by the reference |",
        "| --- | --- | --- | --- |",
        *(
            f"| {one.usual.model_type} | {_cell(one.usual)} | {_cell(one.plain)} | {_again(one)} |"
            for one in found
        ),
    ]
    data = {
        one.usual.model_type: [{"kind": each.kind.value, "reason": each.reason} for each in one.outcomes]
        for one in found
    }
    return Page("decoders", "\n".join(lines) + "\n", data)


def _counts(name: str, outcomes: Sequence[Outcome]) -> str:
    kinds = Counter(one.kind for one in outcomes)
    return f"| {name} | " + " | ".join(str(kinds[kind]) for kind in Kind) + " |"


def _again(tried: Tried) -> str:
    """What the reference says beside the sweep; nothing where that is the same refusal."""
    slow = tried.reference
    return "" if slow is None or _same(slow.reason) == _same(tried.usual.reason) else _cell(slow)


def _same(reason: str) -> str:
    return reason.removesuffix(f"; {UNMEASURED}").removesuffix(f"; {REFUSED}")


def _cell(one: Outcome) -> str:
    reason = one.reason.removeprefix(f"{one.model_type}: ").replace("|", "\\|")
    reason = reason.replace("LlavaForConditionalGeneration on ", "")
    reason = _same(reason)
    return f"**{one.kind.value}**: {reason if len(reason) <= LONGEST else reason[:LONGEST] + ' …'}"
