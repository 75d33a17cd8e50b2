"""Text from outside, on a terminal."""

from hypothesis import given, strategies as st

from harness.data.errors import DataError
from harness.data.plain_text import one_line


@given(st.text())
def test_any_text_is_one_plain_line(text: str) -> None:
    line = one_line(text, 50)
    assert len(line) <= 50
    assert line.isprintable() or not line
    assert one_line(line, 50) == line


def test_no_escape_sequence_and_no_command_of_a_ci_system_gets_out() -> None:
    error = DataError("a.csv: column 'x\n::error file=a::forged\n\x1b[31mRED\u202e\ud800'")
    assert str(error) == "a.csv: column 'x ::error file=a::forged [31mRED '"


def test_a_message_is_cut() -> None:
    assert str(DataError("a" * 400_000)) == "a" * 999 + "…"
