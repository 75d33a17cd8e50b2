"""JSON from outside means one thing or is refused."""

import pytest

from harness.data.strict_json import strict_json


def test_json_is_read() -> None:
    assert strict_json('{"a": [1, 2.5, "ü", null, true], "b": {"a": -1e-7}}'.encode()) == {
        "a": [1, 2.5, "ü", None, True],
        "b": {"a": -1e-7},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands there twice"),
        (b"[NaN]", "NaN is not a number"),
        (b"[-Infinity]", "-Infinity is not a number"),
        (b"[1e999]", "1e999 is too large"),
        (b"[" + b"9" * 5000 + b"]", "Exceeds the limit"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
        ('{"a": 1}'.encode("utf-16"), "can't decode"),
        (b'{"a": 1', "Expecting"),
    ],
)
def test_what_two_readers_may_take_otherwise_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        strict_json(text)
