"""Render a chat template in a process that can be ended: it may compute for ever, or build gigabytes.

This file is both sides: imported, it starts itself as a program; as a program it renders one conversation.
Jinja's sandbox, in which transformers renders, keeps a template from files and modules, not from loops.

A prompt is a function of the checkpoint's files alone, or one store of evidence would hold the answers to two
prompts: a template that asks for the date is told `TODAY`, one that draws at random draws the same each time.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

SECONDS = 30
"""Longest that rendering may take; a usual one takes a second, most of it the start of Python."""
MEMORY = 1 << 30
"""Most bytes that rendering may take; not held on macOS, which has no such limit."""
LONGEST = 100_000
"""Most characters of a prompt."""
TODAY = datetime(2024, 7, 26)  # noqa: DTZ001 - transformers' own clock has no time zone either
"""What a template's clock says, whenever it is rendered: Llama 3's own day where there is no clock."""
CLOCK = "strftime_now"
"""The function by which templates ask for the date."""
SAME_EVERYWHERE = {"TZ": "UTC", "PYTHONHASHSEED": "0"}
"""The child's environment, beside what it inherits."""


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
            env={**os.environ, **SAME_EVERYWHERE},
        )
    except subprocess.TimeoutExpired as error:
        raise TemplateError(f"it renders for more than {SECONDS} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"its process ended with status {done.returncode}"]
        raise TemplateError(said[-1])
    return str(json.loads(done.stdout))


def _main() -> None:
    """Read what is asked for from standard input, write the text as JSON."""
    asked = json.load(sys.stdin)
    _stop_the_clock()
    _limit_memory()
    try:
        text = _written(asked["template"], asked["conversation"], asked["tokens"])
    except MemoryError:
        sys.exit(f"it takes more than {MEMORY >> 20} MiB of memory")
    except Exception as error:  # noqa: BLE001 - a template raises what it likes
        sys.exit((str(error).strip() or type(error).__name__).splitlines()[0])
    if len(text) > LONGEST:
        sys.exit(f"it writes {len(text):,} characters; a prompt has at most {LONGEST:,}")
    json.dump(text, sys.stdout)


def _written(template: str, conversation: list[dict[str, Any]], tokens: dict[str, Any]) -> str:
    from transformers.utils.chat_template_utils import render_jinja_template  # noqa: PLC0415 - the child's

    random.seed(0)
    written = render_jinja_template(
        conversations=[conversation], chat_template=template, add_generation_prompt=True, **tokens
    )
    return str(written[0][0])  # of one conversation; beside it are places of answers


class _Stopped(datetime):
    """A clock that always says `TODAY`."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:  # noqa: ANN401, ARG003 - datetime's signature
        return TODAY


def _stop_the_clock() -> None:
    """Give templates the stopped clock; end with a line where this transformers keeps its clock elsewhere."""
    from transformers.utils import chat_template_utils  # noqa: PLC0415 - the child's

    vars(chat_template_utils)["datetime"] = _Stopped
    if _written(f"{{{{ {CLOCK}('%Y-%m-%d') }}}}", [], {}) != f"{TODAY:%Y-%m-%d}":
        sys.exit("the installed transformers gives templates a clock that cannot be stopped")


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
