"""What drawings say of their look, a few dozen things thousands of times: each becomes a class, said once."""

from __future__ import annotations

import re

_STYLED = re.compile(r'(<(?:path|g)\b(?: [\w-]+="[^"<>]*")*?) style="([\w\s:;(),.#-]+)"')
_END = "</style>"


def with_shared_styles(html: str) -> str:
    """Return a page whose drawings' styles are classes of its style sheet.

    Args:
        html: the page, whose first style sheet stands in its head; no text in it holds a bare quotation mark.
    """
    names: dict[str, str] = {}

    def by_class(found: re.Match[str]) -> str:
        return f'{found[1]} class="{names.setdefault(found[2], f"k{len(names)}")}"'

    head, end, rest = html.partition(_END)
    shorter = _STYLED.sub(by_class, rest)
    rules = "".join(f"\n.{name} {{ {style} }}" for style, name in names.items())
    return f"{head}{rules}\n{end}{shorter}"
