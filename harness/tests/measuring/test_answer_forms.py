"""How a checkpoint writes its answers is taken from what it wrote, and said."""

from pathlib import Path

import pytest
import torch

from harness.checkpoint.encode import encode
from harness.engine.reference import Pass
from harness.measuring.readout import FirstTokens, answer_tokens
from harness.session.doctor.tried import how_it_answers
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint


@pytest.mark.parametrize(
    ("own", "forms"),
    [
        ("▁red", ("▁red", "▁Red", "▁blue", "▁Blue")),
        ("▁Red", ("▁red", "▁Red", "▁blue", "▁Blue")),
        ("▁square", ("▁red", "▁Red", "▁blue", "▁Blue")),  # wrong: as answers usually begin
        ("r", ("r", "R", "b", "B")),
        ("R", ("r", "R", "b", "B")),
    ],
)
def test_the_forms_of_an_answer_begin_as_the_model_began_it(
    own: str, forms: tuple[str, ...], tmp_path: Path
) -> None:
    """Only words behind a space are whole in its vocabulary: without it they begin with a letter."""
    checkpoint = tiny_checkpoint()
    tokenizer = checkpoint.processor.tokenizer
    encoded = encode(checkpoint, sample(picture(tmp_path)))
    logits = torch.zeros(len(tokenizer))
    logits[tokenizer.convert_tokens_to_ids(own)] = 1.0
    found = answer_tokens(FirstTokens(checkpoint), encoded, Pass(logits, torch.zeros(1, 1)), "blue")
    names = ("lower", "capital", "false_lower", "false_capital")
    assert tuple(tokenizer.convert_ids_to_tokens([found.forms[name] for name in names])) == forms
    distractor = forms[2] if own == forms[0] else forms[3]
    assert tokenizer.convert_ids_to_tokens([found.distractor]) == [distractor]


def test_how_it_answers_is_said_in_counts() -> None:
    answers = [
        (" Red.", "red"),
        (" Red.", "red"),
        (" Blue", "blue"),
        ("\nleft", "left"),
        ("", "right"),
        ("7", "no"),
    ]
    assert how_it_answers(answers) == (
        "of 6: 1 end at once, 3 begin with a space, 1 begin with a line break, 3 with a capital, "
        '1 with a small letter, 2 would be right but for a full stop; e.g. " Red.", " Blue", "\\nleft"'
    )
    assert "2 right, with a full stop; e.g." in how_it_answers(answers, full_stop=True)
