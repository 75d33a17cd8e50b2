"""What the report knows of the claims beside the record: each one in plain words, and its rival.

A rival is a finding of other work that pulls the other way. It stands beside the claim, and the claim
beside it, so that the reader weighs both; where the record holds a verdict on the other one, the report
shows it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A claim in plain words.

    Attributes:
        asked: the tested hypothesis as a question anyone can follow; the exact form is in the record.
        matters: why one would want to know.
        supported: what SUPPORTED means.
        refuted: what REFUTED means.
        against: ids of claims that pull the other way.
    """

    asked: str
    matters: str
    supported: str
    refuted: str
    against: tuple[str, ...] = ()


PARTS = {
    "A": "What reaches the last position",
    "B": "From the image to the question",
    "C": "Which patches",
    "D": "Order and routes",
    "E": "How the answer forms",
    "F": "Robustness and use",
    "R": "Rival findings, tested the same way",
}
"""The parts of the catalogue, by the first letter of a claim's id."""

ENTRIES = {
    "A1": Entry(
        "If the last position may not read the question in some stretch of layers, does the answer become "
        "clearly less likely, whatever the task, and more so than when as many random positions are hidden?",
        "The answer is read off the last position. Whatever decides it must get there somehow.",
        "The last position takes what it says from the question, in all tasks.",
        "In at least one task the answer does not hang on the last position reading the question.",
    ),
    "A2": Entry(
        "If the last position may not read the image directly, does the answer stay about as likely as it "
        "was, wherever the layers are hidden, in at least four of six tasks?",
        "If so, what the image contributes must have passed through other words first.",
        "The last position hardly looks at the image itself.",
        "In at least three tasks the last position reads the image itself, and that matters.",
        ("R3",),
    ),
    "A3": Entry(
        "If the last position may not read itself, does the answer stay about as likely as it was?",
        "It tells what arrives from elsewhere from what the position keeps of its own.",
        "What the last position keeps of itself by attention hardly matters.",
        "In some task the last position must read itself.",
    ),
    "A4": Entry(
        "Image by image: does hiding the question from the last position cost far more than hiding the "
        "image, and hiding the image no less than hiding the last position from itself?",
        "It puts the three sources of the last position in order.",
        "The question is by far the main source; the image comes before the position itself, or level.",
        "The order of the three sources is another one.",
    ),
    "A5": Entry(
        "Does the question reach the last position at the same depth in every task, neither in the first "
        "nor in the last fifth of the layers?",
        "A stage of the flow should have one place in the decoder, not one for each kind of question.",
        "One band of layers serves all tasks.",
        "The depth differs between tasks by a window or more, or lies at an end of the decoder.",
    ),
    "A6": Entry(
        "Is there a window in which hiding the image from the last position costs more for open "
        "questions (QueryAttr) than for the other tasks on average?",
        "Open questions name no options, so their answer cannot be copied out of the question.",
        "Open questions draw a little more on the image directly.",
        "Open questions draw on the image directly no more than the others do.",
    ),
    "A7": Entry(
        "For answers of several sub-words: is the last one fed by the question in the same layers as the "
        "first one?",
        "Everything else here looks at the first token of the answer only.",
        "What is found for the first sub-word also describes the last.",
        "The last sub-word is fed in other layers than the first.",
    ),
    "B1": Entry(
        "If the question may not read the image somewhere in the lower layers, does the answer become "
        "clearly less likely, and more so than when as many random positions are hidden?",
        "It is the first step of the paper's picture: the image is taken up by the question's words.",
        "The question takes something it needs from the image in the lower layers.",
        "No stretch of lower layers in which the question reads the image matters.",
        ("R1", "R2"),
    ),
    "B2": Entry(
        "Does the question read the image in two separate stretches of layers, with a stretch between them "
        "that matters less?",
        "Two stretches are what makes the paper speak of two steps, a general and a specific one.",
        "There are two dips with a recovery between them.",
        "There is one dip, or none, or no recovery between two.",
        ("R2",),
    ),
    "B3": Entry(
        "Of the two stretches in which the question reads the image, does the first one cost more?",
        "It says which step carries more. The layers are found on other images than they are tested on.",
        "The first stretch costs more than the second.",
        "The second costs as much or more, or one of the two costs nothing.",
    ),
    "B4": Entry(
        "Is the second stretch deeper in the tasks that choose or query (four of them) than in those that "
        "compare or combine (two)?",
        "The second step should matter where one object's attribute is asked for.",
        "The second stretch hangs on the kind of task, as recalled.",
        "The second stretch is as deep, or deeper, in the comparing and logical tasks.",
    ),
    "B5": Entry(
        "Does the question read the image at the same depth in every task, however much it costs there?",
        "If the layers agree while the sizes differ, the mechanism is one and the need for it varies.",
        "One depth serves all tasks.",
        "The depth differs between tasks by a window or more.",
    ),
    "B6": Entry(
        "In the upper half of the decoder, can the image be hidden from the question without harm, window "
        "by window and all at once?",
        "If so, image tokens need not be kept for the question's sake in the upper half.",
        "The question is done with the image by the middle of the decoder.",
        "Somewhere in the upper half the question still reads the image, and that matters.",
        ("R4",),
    ),
    "C1": Entry(
        "Hide the patches without the asked object from the question: is the harm mostly in lower layers?",
        "It is the paper's first step: the scene as a whole is taken up early.",
        "The rest of the image is read early.",
        "The rest of the image is read late, everywhere alike, or not at all.",
        ("R1", "R2"),
    ),
    "C2": Entry(
        "Hide the patches with the asked object from the question: is the harm mostly in the middle layers?",
        "It is the paper's second step: the object that is asked about is taken up later.",
        "The object is read in the middle layers.",
        "The object is read elsewhere, everywhere alike, or not at all.",
        ("R5",),
    ),
    "C3": Entry(
        "Going from the lowest to the middle layers, does the weight move from the rest of the image to the "
        "object, whatever the size of either effect?",
        "It compares the two steps without asking which one is larger.",
        "The weight moves towards the object with depth.",
        "It does not move, or moves the other way, or one of the two steps is missing.",
    ),
    "C3b": Entry(
        "Does the rest of the image matter more than the object in the lowest layers, and less higher up?",
        "It is the stricter form of the same idea: the two curves cross.",
        "The rest of the image leads at the bottom, the object in the middle.",
        "One of the two leads in both places, they lead the other way round, or one of the steps is missing.",
    ),
    "C4": Entry(
        "In the middle layers, does hiding the asked object cost more than hiding as many random patches, "
        "a box of the same size elsewhere, or the boxes of another image?",
        "Without it, an effect of the object could be an effect of hiding that many patches.",
        "It is the object that matters, not the number or the shape of the hidden patches.",
        "Some patches that have nothing to do with the question matter as much, or the object does not.",
    ),
    "C5": Entry(
        "Does most of the early effect stay when a random tenth of the patches can still be read, when "
        "the values are replaced by an average image, and when the contents are those of an image with "
        "another answer (the same question's, where the data has such a pair)?",
        "Blocking a patch also takes a place away to which attention can go. The claim is that what is "
        "lost is what the patch says.",
        "What is lost is information about this image.",
        "Most of the effect goes once attention has somewhere to go, or something to read, again.",
        ("R1",),
    ),
    "D1": Entry(
        "Taking each step's centre in depth: first the rest of the image reaches the question, at least one "
        "layer later the object does, and at least one layer after that the question reaches the last "
        "position?",
        "This is the paper's whole picture in one sentence.",
        "The three steps come in this order.",
        "Two steps come at the same depth or the other way round, or one of them is missing.",
    ),
    "D2": Entry(
        "Of all that the image does to the answer, does more than half pass through the question's words, "
        "rather than the line break, the instruction, the role words or the last position?",
        "Earlier rows block one route at a time. Here every combination of routes is blocked, so that no "
        "route is credited with what another could have done.",
        "The question's words are the main road from the image to the answer.",
        "The question's words carry half or less of what the image does.",
        ("R3",),
    ),
    "D3": Entry(
        "Leave open only the named way: the image to the question in the two windows where that matters "
        "most, the question to the last position in the one where that does; text reads text as ever. Does "
        "at least 80 % of the accuracy above chance survive?",
        "What is needed need not be enough. This asks whether the pathway is enough by itself.",
        "The pathway suffices: it carries most of what the checkpoint can do.",
        "The pathway alone is not enough.",
    ),
    "E1": Entry(
        "Reading the last position layer by layer: is the answer, in either case, next to impossible in the "
        "lowest layers, "
        "and does it appear in the middle ones?",
        "It dates the moment at which the checkpoint knows what it will say.",
        "The answer appears in the middle layers.",
        "It appears earlier or later, or never rises at all.",
    ),
    "E2": Entry(
        "Does the answer appear at the last position after the object has reached the question?",
        "The second step can only serve the answer if it comes before it.",
        "The answer appears after the second step.",
        "The answer appears before the second step, or the step is missing.",
    ),
    "E3": Entry(
        "Reading the last position layer by layer: is there a layer where the lower-case answer leads, and "
        "a later one where the capitalised answer leads?",
        "First the meaning, then the form: the paper's reading of how an answer is finished.",
        "The answer is there in lower case before it gets its capital.",
        "At no layer does the lower-case answer lead before the capitalised one does.",
    ),
    "E3-norm": Entry(
        "As E3, but with the model's final norm applied before a layer is read.",
        "The released code reads layers without it. A result that holds only without it is fragile.",
        "The order does not hang on how a layer is read.",
        "With the final norm the order is not there. If E3 is supported, it is fragile.",
    ),
    "E4": Entry(
        "Asked to answer in lower case, does the checkpoint ever put the capitalised one ahead?",
        "If the last phase is about form only, asking for another form must take it away.",
        "Without a need for a capital there is no phase that makes one.",
        "The capitalised answer leads somewhere even when lower case was asked for and given.",
    ),
    "E5": Entry(
        "Of the two options in the question, does the true one take the lead at some layer, and the false "
        "one at none?",
        "It tells a decision between options from a copy that is corrected later.",
        "The true option takes the lead and the false one never has it.",
        "The false option leads somewhere, or the true one nowhere.",
    ),
    "F1": Entry(
        "Do the curves of the image reaching the question have the same shape at odd window sizes up to "
        "half the decoder: 1, 3, 5, the rule's and the widest?",
        "The window size is the experimenter's choice; what is found should not be.",
        "The shape does not hang on the window size.",
        "Another window size gives another shape.",
    ),
    "F2": Entry(
        "Averaged over the layers, does hiding the true option from the last position cost more than hiding "
        "the false one?",
        "It asks which words of the question the last position reads.",
        "The last position reads the true option more than the false one.",
        "It reads the false option as much, or more.",
    ),
    "F2-token": Entry(
        "Token for token, does hiding the object's words from the last position cost more than hiding the "
        "question's remaining words?",
        "A long phrase costs more than a short one merely by its length; this divides it out.",
        "The object's words weigh more than the others, each for itself.",
        "The other words weigh as much, token for token, or more.",
    ),
    "F3": Entry(
        "Does hiding the image from the object's words cost more than hiding it from the question's "
        "remaining words?",
        "If the image is taken up where the question names the object, the flow has an address.",
        "The words that name the object read the image more than the other words do.",
        "The other words read the image as much, or more.",
    ),
    "F4": Entry(
        "At the question's positions, does silencing the MLPs cost more than silencing attention, and more "
        "than taking MLP output of equal norm from as many random positions?",
        "Attention brings information; the MLPs are where it may be worked on.",
        "The question's MLPs matter most.",
        "Attention there, or MLPs elsewhere, matter as much or more.",
    ),
    "F5": Entry(
        "Where the checkpoint sees its image whole and again in tiles: does the question read both?",
        "If only one of them is read, the other is cost without use.",
        "Both the whole view and the tiles are read.",
        "One of the two is not read, or reading it does not matter.",
    ),
    "F6": Entry(
        "On every checkpoint of the run: do the three steps come in order, and do the curves of the question "
        "reaching the last position look alike over relative depth?",
        "A mechanism of such models should not be one of a single checkpoint.",
        "The checkpoints share the order and the shape.",
        "At least two checkpoints differ in order or shape.",
    ),
    "F7": Entry(
        "With the image unreadable in every layer above the second step, does at least 80 % of the accuracy "
        "above chance survive?",
        "It is the use of the finding: image tokens that are no longer read can be dropped, and paid for no "
        "longer.",
        "Above the second step the image tokens can be dropped.",
        "Too much accuracy is lost: the image is still needed there.",
        ("R4",),
    ),
    "R1": Entry(
        "In the lowest layers, can nine tenths of the image tokens be hidden from all that follows with "
        "little effect?",
        "If so, what early layers do with image tokens is not taking up the scene.",
        "Nine tenths of the image tokens are not needed in the lowest layers.",
        "They are needed.",
        ("B1", "C1", "C5"),
    ),
    "R2": Entry(
        "Does what follows the image read it in the middle quarter of the layers, and hardly elsewhere?",
        "The paper puts the first step lower than that.",
        "The flow from the image sits in the middle quarter.",
        "It reaches beyond the middle quarter, or is not there.",
        ("B1", "B2", "C1"),
    ),
    "R3": Entry(
        "In middle to late layers, does hiding the object's patches from the last position make the answer "
        "clearly less likely?",
        "The paper says that the last position gets the object through the question.",
        "The last position reads the object itself.",
        "It does not, or not so that it matters.",
        ("A2", "D2"),
    ),
    "R4": Entry(
        "In the deepest quarter of the layers, does hiding the image from all that follows make the answer "
        "clearly less likely?",
        "The paper says that the image is no longer needed that high up.",
        "A deep layer looks at the image again.",
        "No deep layer does, or not so that it matters.",
        ("B6", "F7"),
    ),
    "R5": Entry(
        "Can the image token at the object's centre be hidden in all layers with little effect (where the "
        "picture is also seen in tiles: either of the two)?",
        "If no single token is a gate, what is known of the object is spread over many.",
        "No gate: that one token can be hidden.",
        "That one token alone matters.",
        ("C2",),
    ),
}
"""Every claim of the catalogue in plain words."""

STATEMENTS = {
    "R1": ("Shallow image tokens are passive: most of them can be masked with little effect.", "2510.17205"),
    "R2": ("The flow across modalities sits in the middle quarter of the layers.", "2411.17491"),
    "R3": ("What the object is gets read at the last token itself, in middle to late layers.", "2410.07149"),
    "R4": ("A deep layer reads the image a second time.", "2601.08151"),
    "R5": ("No single image token is a gate.", "2412.06646"),
}
"""The rival findings and the arXiv number of the paper each was made in, for runs that leave them out."""


def part_of(claim: str) -> str:
    """The part of the catalogue that a claim belongs to; empty for one of no known part."""
    return claim[:1] if claim[:1] in PARTS and claim[1:2].isdigit() else ""


def source_of(rival: str) -> str:
    """Where a rival finding was made; empty for any other claim."""
    return f"arXiv {STATEMENTS[rival][1]}" if rival in STATEMENTS else ""
