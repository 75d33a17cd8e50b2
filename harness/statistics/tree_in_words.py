"""A claim's tree in words: what exactly was tested, for the report and the failure message."""

from __future__ import annotations

from harness.statistics.trees import AllOf, AnyOf, AtLeast, Everywhere, Leaf, Pair, Somewhere, Tree

_INDENT = "  "


def describe(tree: Tree) -> str:
    """Write the statement as an indented list of conditions.

    Args:
        tree: the statement.
    """
    return "\n".join(_lines(tree, 0))


def _lines(tree: Tree, depth: int) -> list[str]:
    pad = _INDENT * depth
    match tree:
        case Somewhere(leaves, rows):
            how = "at some point" if len(rows) > 1 else ""
            return [pad + _leaves(leaves, how, " and ")]
        case Everywhere(leaves, rows):
            how = "at every point" if len(rows) > 1 else ""
            return [pad + _leaves(leaves, how, " or ")]
        case AllOf(children):
            return _group("all of:", children, depth)
        case AnyOf(children):
            return _group("any of:", children, depth)
        case AtLeast(count, children):
            return _group(f"at least {count} of {len(children)}:", children, depth)
        case Pair(holds, fails):
            return [f"{pad}holds if", *_lines(holds, depth + 1), f"{pad}fails if", *_lines(fails, depth + 1)]


def _group(title: str, children: tuple[Tree, ...], depth: int) -> list[str]:
    if len(children) == 1:
        return _lines(children[0], depth)
    return [_INDENT * depth + title, *(line for child in children for line in _lines(child, depth + 1))]


def _leaves(leaves: tuple[Leaf, ...], how: str, joint: str) -> str:
    text = joint.join(f"{leaf.label} {leaf.asserts} {leaf.threshold:g}" for leaf in leaves)
    return f"{how}: {text}" if how else text
