"""matplotlib figures as small inline SVG: the same bytes every time, text as text, colours by theme.

Inline SVG shares the page with everything else, so what matplotlib writes for a file of its own is
taken out: its style sheet (it would restyle the whole page), metadata with dates, and ids that nothing
refers to. The ids that stay get the drawing's name in front, for a page holds many drawings.
"""

from __future__ import annotations

import io
import re
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from reports.styles import themed

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crossmodal-flow-findings",
    "svg.id": None,
    "font.size": 9.0,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.unicode_minus": True,
    "path.simplify": True,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


def svg(figure: Figure, name: str, label: str) -> str:
    """Return ``figure`` as one ``<svg>`` element with ``label`` for those who do not see it.

    ``name`` must be made of letters, digits and hyphens; ``label`` may hold anything, it is escaped.
    """
    buffer = io.StringIO()
    with mpl.rc_context(_SETTINGS):
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
    return _inline(buffer.getvalue(), name, label)


def settings() -> AbstractContextManager[None]:
    """The settings to build a figure in; text is fixed when it is made, not when it is saved."""
    return mpl.rc_context(_SETTINGS)


def _inline(text: str, name: str, label: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*</defs>", "", text)
    text = _own_ids(text, name)
    text = re.sub(r"(\d+\.\d\d)\d+", r"\1", text)
    text = re.sub(r"font: [^;\"]*", lambda match: _font(match[0]), text)
    text = re.sub(r"\n\s*", "\n", themed(text))
    box = re.search(r'viewBox="([^"]*)"', text)
    head = f'<svg class="plot" role="img" aria-label="{_attribute(label)}" viewBox="{box[1] if box else ""}">'
    return head + text[text.index(">") + 1 :].strip()


def _own_ids(text: str, name: str) -> str:
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    kept = lambda match: f' id="{name}-{match[1]}"' if match[1] in used else ""  # noqa: E731 - two words long
    text = re.sub(r' id="([^"]*)"', kept, text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    return re.sub(r'xlink:href="#', f'href="#{name}-', text)


def _font(declared: str) -> str:
    size = re.search(r"([\d.]+)px", declared)
    weight = "font-weight: 600; " if re.search(r"\b(bold|600|700)\b", declared) else ""
    return f"{weight}font-size: {size[1] if size else 9}px"


def _attribute(text: str) -> str:
    for character, entity in (("&", "&amp;"), ('"', "&quot;"), ("'", "&#39;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return text
