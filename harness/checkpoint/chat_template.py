"""Render a chat template in a process that can be ended: it may compute for ever, or build gigabytes.

This file is both sides: imported, it starts itself as a program; as a program it renders one conversation.
Jinja's sandbox, in which transformers renders, keeps a template from files and modules, not from loops.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

SECONDS = 30
"""Longest that rendering may take; a usual one takes a second, most of it the start of Python."""
MEMORY = 1 << 30
"""Most bytes that rendering may take; not held on macOS, which has no such limit."""
LONGEST = 100_000
"""Most characters of a prompt."""


class TemplateError(ValueError):
    """The template cannot be rendered; the message says why."""


def render(template: str, conversation: Sequence[Mapping[str, Any]], tokens: Mapping[str, Any]) -> str:
    """What a chat template writes for a conversation, up to where the answer is to begin.

    Args:
        template: the template's text.
        conversation: messages as transformers' chat templates take them.
        tokens: the tokenizer's special tokens by name, which templates use as variables.

    Raises:
        TemplateError: if it fails, or takes more time, memory or characters than a prompt needs.
    """
    asked = {"template": template, "conversation": conversation, "tokens": tokens}
    try:
        done = subprocess.run(  # noqa: S603 - this very file
            [sys.executable, "-P", __file__],
            input=json.dumps(asked, default=str),  # tokens may be objects
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TemplateError(f"it renders for more than {SECONDS} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"its process ended with status {done.returncode}"]
        raise TemplateError(said[-1])
    return str(json.loads(done.stdout))


def _main() -> None:
    """Read what is asked for from standard input, write the text as JSON."""
    from transformers.utils.chat_template_utils import render_jinja_template  # noqa: PLC0415 - the child's

    asked = json.load(sys.stdin)
    _limit_memory()
    try:
        written = render_jinja_template(
            conversations=[asked["conversation"]],
            chat_template=asked["template"],
            add_generation_prompt=True,
            **asked["tokens"],
        )
    except MemoryError:
        sys.exit(f"it takes more than {MEMORY >> 20} MiB of memory")
    except Exception as error:  # noqa: BLE001 - a template raises what it likes
        sys.exit((str(error).strip() or type(error).__name__).splitlines()[0])
    text = written[0][0]  # of one conversation; beside it are places of answers
    if len(text) > LONGEST:
        sys.exit(f"it writes {len(text):,} characters; a prompt has at most {LONGEST:,}")
    json.dump(text, sys.stdout)


def _limit_memory() -> None:
    """Allow so much beyond what is there now, the libraries included."""
    import resource  # noqa: PLC0415 - the child's

    pages = Path("/proc/self/statm")
    if pages.exists():
        now = int(pages.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


if __name__ == "__main__":
    _main()
