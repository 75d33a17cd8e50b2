"""What the report knows of the claims beside the record: each one in plain words, and its rival.

A rival is a finding of other work that pulls the other way. It is shown beside the claim so that the
reader weighs both; where the record holds a verdict on the rival, the report links to it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rival:
    """A finding that pulls the other way.

    Attributes:
        id: its id among the claims.
        statement: the finding.
        source: where it was made.
    """

    id: str
    statement: str
    source: str


_SINKS = Rival(
    "R1",
    "Shallow image tokens are passive sinks: most of them can be masked with little effect.",
    "arXiv 2510.17205",
)
_QUARTER = Rival(
    "R2",
    "The flow across modalities sits in the middle quarter of the layers; early and late ones are marginal.",
    "arXiv 2411.17491",
)
_DIRECT = Rival(
    "R3",
    "What the object is gets read at the last token itself, in middle to late layers.",
    "arXiv 2410.07149",
)
_REVIEW = Rival("R4", "A deep layer reads the image a second time.", "arXiv 2601.08151")

RIVALS: dict[str, tuple[Rival, ...]] = {
    "A2": (_DIRECT,),
    "B1": (_QUARTER,),
    "B2": (_QUARTER,),
    "B6": (_REVIEW,),
    "C1": (_SINKS,),
    "C5": (_SINKS,),
    "D2": (_DIRECT,),
}

PLAIN = {
    "A1": "If the last position may not read the question in some stretch of layers, does the answer become "
    "clearly less likely, whatever the task, and more so than when as many random positions are hidden?",
    "A2": "If the last position may not read the image directly, does the answer stay about as likely as it "
    "was, wherever the layers are hidden, in at least four of the six tasks?",
    "A3": "If the last position may not read itself, does the answer stay about as likely as it was?",
    "A4": "Sample by sample: does hiding the question from the last position cost more than hiding the "
    "image, and that no less than hiding the last position from itself?",
    "A5": "Does the question reach the last position at the same depth in every task, neither at the very "
    "start nor at the very end?",
    "B1": "If the question may not read the image somewhere in the lower layers, does the answer become "
    "clearly less likely?",
    "B2": "Does the question read the image in two separate stretches of layers, with a stretch between them "
    "that matters less?",
    "B3": "Of the two stretches in which the question reads the image, does the first one cost more?",
    "B6": "Above the middle of the decoder, can the image be hidden from the question without harm?",
    "C1": "Hide the patches without the asked object from the question: is the harm mostly in the lower "
    "layers?",
    "C2": "Hide the patches with the asked object from the question: is the harm mostly in the middle "
    "layers?",
    "C3": "Going from the lower to the middle layers, does the weight move from the rest of the image to the "
    "object, whatever the size of either effect?",
    "C3b": "Does the rest of the image matter more than the object at the bottom, and less in the middle?",
    "D1": "Taking each step's centre in depth: first the rest of the image reaches the question, at "
    "least one layer later the object does, and at least one layer after that the question reaches the "
    "last position?",
    "D2": "Of everything the image does to the answer, does more than half pass through the question?",
    "E1": "Reading the last position layer by layer: does the answer only appear in the middle layers?",
    "E2": "Does the answer appear at the last position after the object has reached the question?",
    "E3-norm": "As E3, but with the model's final norm applied before reading a layer: a result that holds "
    "only without it is fragile.",
    "E3": "Reading the last position layer by layer: is there a layer where the lower-case answer leads, and "
    "a later one where the capitalised answer leads?",
}
"""The tested hypothesis as a question anyone can follow; the exact form is in the record."""
