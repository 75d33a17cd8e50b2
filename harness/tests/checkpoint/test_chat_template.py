"""A chat template is a stranger's program: it renders what transformers would, or is one line."""

from typing import Any

import pytest
from transformers import AutoTokenizer

from fixtures import embedded
from harness.checkpoint import chat_template
from harness.checkpoint.chat_template import TemplateError, render

CHAT = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Ist das schön? 🙂\n"}]}]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{% for part in message.content %}"
    "{{ '<image>\n' if part.type == 'image' else part.text | trim }}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_it_writes_what_transformers_writes() -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(embedded())
    theirs = tokenizer.apply_chat_template(
        CHAT, chat_template=TEMPLATE, tokenize=False, add_generation_prompt=True
    )
    assert render(TEMPLATE, CHAT, tokenizer.special_tokens_map) == theirs
    assert theirs == "<s><|user|><image>\nIst das schön? 🙂<|assistant|>"


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("{{ strftime_now('%d %b %Y %H:%M:%S') }}", "26 Jul 2024 00:00:00"),
        ("{{ strftime_now('%s%Z') }}", "1721952000"),
        ("{% for _ in range(9) %}{{ range(9) | random }}{% endfor %}", "660487647"),
    ],
)
def test_a_prompt_hangs_on_no_clock_and_no_chance(
    template: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one store of evidence would hold the answers to two prompts."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert render(template, CHAT, {}) == written


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ raise_exception('no system\nmessage') }}", "^no system$"),
        ("{{ [].__class__.__mro__ }}", "is unsafe"),
        ("{{ 'a' * 5000000000 }}", "takes more than 1024 MiB"),
        ("{{ 'a' * 200000 }}", "writes 200,000 characters; a prompt has at most 100,000"),
    ],
)
def test_what_a_prompt_does_not_need_is_refused(template: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        render(template, CHAT, {})


def test_one_that_computes_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "SECONDS", 4)
    forever = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(TemplateError, match="renders for more than 4 s"):
        render(forever, CHAT, {})
