"""The model's own answers: greedy decoding that goes on from the clean run.

A sample counts only if the model answers it correctly (released code of arXiv 2411.18620:
``decoded.strip().lower() == answer``; under prompts of another kind a full stop may follow). The clean run of
an image's questions already holds every key and value of the prompts, so an answer costs one row per token
and layer, and all questions of the image take their next step together. Whoever only wants to know whether an
answer is right need not read a wrong one to its end: decoding stops as soon as the text can no longer become
the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import extended
from harness.checkpoint.lengths import check_length
from harness.checkpoint.positions import following
from harness.engine.sweep.clean_run import CleanRun
from harness.engine.sweep.first_layer_rows import token_rows
from harness.engine.sweep.masks import bias_at
from harness.engine.sweep.packed_attention import CachedKeyValues, attend_shared
from harness.engine.sweep.rotary import rotary_tables
from harness.interventions.knockout import EdgeBlock
from harness.interventions.permanent_edges import permanent_edges

LIMIT = 128
"""Tokens the released code lets a clean run generate."""
FULL_STOP = "."


@dataclass(eq=False)
class _Continuation:
    """One question's answer so far, and by layer its keys and values ``[kv_heads, 1, t, head_dim]``."""

    question: int
    tokens: list[int]
    cache: dict[int, CachedKeyValues] = field(default_factory=dict)


@dataclass(frozen=True)
class _StepPlan:
    """Attention of one new row per question."""

    clean: CleanRun
    rows: Sequence[_Continuation]
    permanent: Sequence[Sequence[EdgeBlock]]

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend to the prompt, the answer so far and oneself; see `harness.checkpoint.attention.Plan`."""
        output = query.new_empty(*query.shape[:3], value.shape[3])
        for at, row in enumerate(self.rows):
            length = self.clean.tree.lengths[row.question]
            prompt = self.clean.prefix(layer, row.question, length)
            said = row.cache.get(layer)
            new = CachedKeyValues(key[0, :, None, at : at + 1], value[0, :, None, at : at + 1])
            said = row.cache[layer] = new if said is None else said.then(new)
            folded = query[0, :, at : at + 1].unflatten(0, (key.shape[1], -1))[:, None]
            last = length + said.key.shape[2] - 1
            bias = bias_at(self.permanent[at], layer, last, last + 1, query)
            output[0, :, at] = attend_shared(folded, prompt, said, scaling, bias).flatten(0, 2)[:, 0]
        return output.transpose(1, 2).contiguous(), None


@torch.inference_mode()
def answers(
    checkpoint: Checkpoint,
    clean: CleanRun,
    expected: Sequence[str | None] | None = None,
    limit: int = LIMIT,
) -> list[tuple[int, ...]]:
    """Greedy answers to all questions of a clean run.

    Args:
        checkpoint: the checkpoint.
        clean: the clean run.
        expected: per question the expected answer, or None; a question that has one is given up as soon
            as its answer can no longer be that.
        limit: most tokens of an answer.

    Returns:
        Token ids per question, without the one that ends the answer; of an answer that was given up,
        the tokens so far, which do not read as the expected one.

    Raises:
        CheckpointError: if a prompt and its answer are longer than the decoder's sliding window.
    """
    wanted = expected or [None] * len(clean.encoded)
    running = [_Continuation(number, [int(one.logits.argmax())]) for number, one in enumerate(clean.passes)]
    done = list(running)
    while running := [row for row in running if _goes_on(checkpoint, row, wanted[row.question], limit)]:
        for row, token in zip(running, _step(checkpoint, clean, running), strict=True):
            row.tokens.append(token)
    ends = checkpoint.stop_tokens
    return [tuple(row.tokens[:-1] if row.tokens[-1] in ends else row.tokens) for row in done]


def read(checkpoint: Checkpoint, tokens: Sequence[int]) -> str:
    """What an answer says."""
    text: str = checkpoint.processor.tokenizer.decode(list(tokens), skip_special_tokens=True)
    return text


def reads_as(text: str, expected: str, *, full_stop: bool = False) -> bool:
    """Whether an answer's text is the expected answer: stripped, in lower case (released code).

    Args:
        text: the answer's text.
        expected: the expected answer.
        full_stop: whether it may end in a full stop.
    """
    return text.strip().lower() in {expected, *([f"{expected}{FULL_STOP}"] if full_stop else [])}


def without_full_stop(checkpoint: Checkpoint, tokens: tuple[int, ...]) -> tuple[int, ...]:
    """An answer without the full stop that ends it, where that is a token of its own.

    Args:
        checkpoint: the checkpoint.
        tokens: the answer's token ids.
    """
    return tokens[:-1] if tokens and read(checkpoint, tokens[-1:]).strip() == FULL_STOP else tokens


def _goes_on(checkpoint: Checkpoint, row: _Continuation, expected: str | None, limit: int) -> bool:
    if row.tokens[-1] in checkpoint.stop_tokens or len(row.tokens) >= limit:
        return False
    if expected is None:
        return True
    end = FULL_STOP if checkpoint.prompt.may_end_in_full_stop else ""
    return _may_become(read(checkpoint, row.tokens), expected + end)


def _may_become(text: str, expected: str) -> bool:
    """Whether an unfinished text may still become the answer, or a beginning of it, spaces aside.

    A character whose last bytes are missing shows as U+FFFD; tokenizers may drop spaces later on.
    """
    said = "".join(text.rstrip("\ufffd").lower().split())
    return "".join(expected.lower().split()).startswith(said)


def _step(checkpoint: Checkpoint, clean: CleanRun, rows: Sequence[_Continuation]) -> list[int]:
    """The next token of every row."""
    ids = torch.tensor([row.tokens[-1] for row in rows], device=checkpoint.device)
    lengths = [clean.tree.lengths[row.question] + len(row.tokens) for row in rows]
    check_length(checkpoint.name, checkpoint.model.config, max(lengths))
    state = token_rows(checkpoint, ids)
    at = torch.stack(
        [following(clean.encoded[row.question].rotary_positions, len(row.tokens)) for row in rows]
    )
    tables = rotary_tables(checkpoint, state, at.to(state.device))
    plan = _StepPlan(clean, rows, [_permanent(checkpoint, clean, row) for row in rows])
    for layer, rotary in zip(checkpoint.decoder.layers, tables, strict=True):
        state = layer(state[None], **rotary.inputs, plan=plan)[0]
    logits: Tensor = checkpoint.head(checkpoint.decoder.norm(state))
    return [int(token) for token in logits.argmax(dim=-1)]


def _permanent(checkpoint: Checkpoint, clean: CleanRun, row: _Continuation) -> tuple[EdgeBlock, ...]:
    """The edges that the checkpoint blocks always, the next row's included."""
    if not checkpoint.permanent_blocks:
        return ()
    return permanent_edges(
        checkpoint.permanent_blocks, extended(clean.encoded[row.question], row.tokens).regions
    )
