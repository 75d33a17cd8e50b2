"""What drawings have in common, a grid, a curve, all of it: drawn once a page, and shown again by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_DRAWING = re.compile(r'(<svg class="plot"[^>]*>)(.*?)(</svg>)', re.DOTALL)
_PIECE = re.compile(r"<path [^>]*/>|<g [^>]*>.*?</g>", re.DOTALL)
_KIND = re.compile(r"<(?:path|g)")
_ID = re.compile(r' id="(p\d+)"')
_NAMED = re.compile(r'<use href="#(p\d+)"/>')
_REFERENCE = 20
"""Bytes that it takes to show something by its name: what is shorter is drawn again."""


def with_shared_drawings(html: str) -> str:
    """Return a page in which nothing is drawn twice: where it is first it has an id, which names it then.

    Only drawings of `reports.drawing.svg.Canvas` are looked at: paths and groups of words, one after another.
    Each has a style of its own, so that it looks alike wherever it is shown. Shared are single ones, and as
    many as several drawings begin with.

    Args:
        html: the page; no text in it holds a bare angle bracket.
    """
    shared = _Shared([_PIECE.findall(found[2]) for found in _DRAWING.finditer(html)])
    named = _DRAWING.sub(lambda found: f"{found[1]}{shared.drawn(_PIECE.findall(found[2]))}{found[3]}", html)
    needed = set(_NAMED.findall(named))
    return _ID.sub(lambda found: found[0] if found[1] in needed else "", named)


class _Shared:
    """Names of what is drawn more than once, in the order in which it is met.

    Args:
        drawings: the pieces of each drawing of a page.
    """

    def __init__(self, drawings: Sequence[Sequence[str]]) -> None:
        self._beginnings = Counter("".join(one[:end]) for one in drawings for end in range(2, len(one) + 1))
        self._pieces = Counter(piece for one in drawings for piece in one)
        self._names: dict[str, str] = {}

    def drawn(self, pieces: Sequence[str]) -> str:
        """Pieces of a drawing, from its first one on, with what was drawn before as its name."""
        end = next((end for end in range(len(pieces), 1, -1) if self._is_met_again(pieces[:end])), 0)
        beginning = self._beginning(pieces[:end]) if end else ""
        return beginning + "".join(map(self._piece, pieces[end:]))

    def _is_met_again(self, pieces: Sequence[str]) -> bool:
        return self._beginnings["".join(pieces)] > 1

    def _beginning(self, pieces: Sequence[str]) -> str:
        whole = "".join(pieces)
        if whole in self._names:
            return _use(self._names[whole])
        name = self._named(whole)
        *before, last = pieces
        return f'<g id="{name}">{self.drawn(before)}{self._piece(last)}</g>'

    def _piece(self, piece: str) -> str:
        if self._pieces[piece] == 1 or len(piece) <= _REFERENCE:
            return piece
        if piece in self._names:
            return _use(self._names[piece])
        return _KIND.sub(f'\\g<0> id="{self._named(piece)}"', piece, count=1)

    def _named(self, drawn: str) -> str:
        return self._names.setdefault(drawn, f"p{len(self._names)}")


def _use(name: str) -> str:
    return f'<use href="#{name}"/>'
