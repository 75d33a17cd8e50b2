"""The short way from Python: load a checkpoint, encode a sample, name a flow, get its effect."""

from __future__ import annotations

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded, encode
from harness.checkpoint.loading import load
from harness.data.effect import relative_change
from harness.data.flow import Flow
from harness.engine.sweep.sweeper import Sweeper
from harness.interventions.to_knockouts import windows_of
from harness.measuring.readout import probability


def effect(checkpoint: Checkpoint, encoded: Encoded, flow: str, window: int | None = None) -> list[float]:
    """Effect of a flow's knockout on one sample, p_c in per cent, for every centre layer.

    p_c = 100 (p2 − p1) / p1, with p1 the probability of the model's own first answer token and p2
    the same under the knockout (released code of arXiv 2411.18620).

    Args:
        checkpoint: the checkpoint.
        encoded: the encoded sample.
        flow: e.g. ``"image->question"``.
        window: window size k in layers; the rule's unless given.

    Raises:
        KnockoutError: if the flow cannot be read or a row would keep no key.
        RegionError: if a region is unknown, or empty on this sample.
    """
    size = window or checkpoint.window
    knockouts = windows_of(Flow.parse(flow), size, encoded.regions, checkpoint.n_layers, encoded.sample)
    (swept,) = Sweeper(checkpoint).image([encoded], [knockouts])
    token = int(swept.clean.logits.argmax())
    p1 = probability(swept.clean.logits, token)
    return [relative_change(probability(logits, token), p1) for logits in swept.logits]


__all__ = ["Checkpoint", "Encoded", "effect", "encode", "load"]
