"""What a knockout can change at all, worked out before anything is computed.

Attention is causal, so a knockout that first touches row f leaves every row before f as it was, in
every layer; and it leaves every row as it was below the first layer it touches. Only the rest has
to be computed again. A knockout that touches nothing, or nothing that the last row can read before
the top, is the clean run itself. Rows that read each other both ways (those of an image, in some models)
change together.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.interventions.knockout import Blocks, Intervention, Knockout, ModuleZero, block_around


@dataclass(frozen=True)
class Reach:
    """The part of a forward pass that a knockout can change.

    Attributes:
        row: the first row that can differ from the clean run; all later rows may.
        first: the first layer in which something is done; the rows enter it unchanged.
        last: the last layer in which something is done; above it attention is ordinary.
    """

    row: int
    first: int
    last: int


def reach(knockout: Knockout, length: int, n_layers: int, two_way: Blocks = ()) -> Reach | None:
    """What a knockout can change in a prompt of ``length`` tokens.

    Args:
        knockout: the knockout.
        length: prompt length.
        n_layers: how many layers the model has.
        two_way: blocks whose rows read each other both ways.

    Returns:
        None if the logits after the last token cannot change.
    """
    rows, layers, read = [], [], False
    for item in knockout.interventions:
        touched = touched_rows(item, two_way)
        if touched and item.layers:
            rows.append(block_around(min(touched), two_way)[0])
            layers += [min(item.layers), max(item.layers)]
            # A row other than the last is read by the last one in a later layer, if there is one.
            read = read or length - 1 in touched or min(item.layers) < n_layers - 1
    return Reach(min(rows), min(layers), max(layers)) if read else None


def touched_rows(item: Intervention, two_way: Blocks = ()) -> tuple[int, ...]:
    """The rows whose own computation an intervention changes or reads: no query can read every key."""
    if isinstance(item, ModuleZero):
        # The rows whose norms are lost stay as they are, but must be at hand.
        return (*item.rows, *item.like)
    earliest = min(item.sources, default=None)
    if earliest is None:
        return ()
    return tuple(row for row in item.targets if earliest < block_around(row, two_way)[1])
