"""How files are mutated: bytes anywhere, and JSON where its grammar still holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

BIG = 1 << 40
ODD_BYTES = (
    *(b"", b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\n", b"\r", b'"', b"'", b",", b"{", b"-"),
    *(b"[" * 2000, b"9" * 5000, b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"1e999", b"NaN"),
    *(b"::error::", b"\x1b[2J", "\u202e".encode(), b"../../", b"%s%n", b"\\u0000", b"\\ud800"),
)
"""What readers stumble over: ends, marks, numbers out of range, escapes, other encodings."""
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 0.5, 10**9, 10**30, -(10**30), 1e308, -1e308, 1e-308),
    *(float("nan"), float("inf"), "", " ", "\0", "x" * 3000, "\ud800", "\u202e", "::error::x"),
    *("../../../etc/passwd", "/etc/passwd", "/dev/stdin", "http://127.0.0.1/x", "owner/name"),
    *("{question}", "<image>", [], [[]], {}, [None], ["a"], [0, -1], {"": None}, {"a": {"b": []}}),
)
"""Values of other kinds and sizes than a field has."""

Mutation = tuple[int, int, int, int]


def mutated(originals: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the files, mutated in one to five places."""
    places = st.tuples(
        st.integers(0, len(MUTATORS) - 1), st.integers(0, BIG), st.integers(0, BIG), st.integers(0, BIG)
    )
    return st.builds(
        lambda at, steps: _mutated(originals, originals[at], steps),
        st.integers(0, len(originals) - 1),
        st.lists(places, min_size=1, max_size=5),
    )


def _mutated(originals: Sequence[bytes], content: bytes, steps: Sequence[Mutation]) -> bytes:
    for kind, one, two, three in steps:
        content = MUTATORS[kind](content, one, two, originals[three % len(originals)])
    return content


def _flip(content: bytes, one: int, two: int, _: bytes) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    changed[one % len(content)] ^= 1 << two % 8
    return bytes(changed)


def _put(content: bytes, one: int, two: int, _: bytes) -> bytes:
    at, odd = one % (len(content) + 1), ODD_BYTES[two % len(ODD_BYTES)]
    return content[:at] + odd + content[at + len(odd) :]


def _insert(content: bytes, one: int, two: int, _: bytes) -> bytes:
    at = one % (len(content) + 1)
    return content[:at] + ODD_BYTES[two % len(ODD_BYTES)] + content[at:]


def _cut(content: bytes, one: int, _: int, __: bytes) -> bytes:
    return content[: one % (len(content) + 1)]


def _leave_out(content: bytes, one: int, two: int, _: bytes) -> bytes:
    at = one % (len(content) + 1)
    return content[:at] + content[at + two % 64 :]


def _splice(content: bytes, one: int, two: int, other: bytes) -> bytes:
    return content[: one % (len(content) + 1)] + other[two % (len(other) + 1) :]


def _repeat(content: bytes, one: int, two: int, _: bytes) -> bytes:
    at = one % (len(content) + 1)
    return content[:at] + content[max(0, at - two % 200) : at] + content[at:]


def _write(content: bytes, one: int, two: int, _: bytes) -> bytes:
    """Overwrite four bytes with a number: lengths and offsets of binary formats."""
    at = one % (len(content) + 1)
    return content[:at] + (two % (1 << 32)).to_bytes(4, "little" if two % 2 else "big") + content[at + 4 :]


MUTATORS: tuple[Callable[[bytes, int, int, bytes], bytes], ...] = (
    _flip, _put, _insert, _cut, _leave_out, _splice, _repeat, _write,
)  # fmt: skip


def mutated_json(*originals: Any) -> st.SearchStrategy[bytes]:
    """A JSON file: half of them mutated byte by byte, half value by value, in other encodings too."""
    plain = [json.dumps(original, indent=1).encode() for original in originals]
    steps = st.lists(st.tuples(st.integers(0, BIG), st.integers(0, BIG)), min_size=1, max_size=3)
    by_value = st.builds(
        lambda at, changes, encoding: _written(originals[at], changes, encoding),
        st.integers(0, len(originals) - 1),
        steps,
        st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    )
    return st.one_of(mutated(plain), by_value)


def _written(original: Any, changes: Sequence[tuple[int, int]], encoding: str) -> bytes:
    data = json.loads(json.dumps(original))
    for place, value in changes:
        spots = list(_spots(data))
        holder, key = spots[place % len(spots)]
        choice = value % (len(ODD_VALUES) + 3)
        if choice < len(ODD_VALUES):
            holder[key] = deepcopy(ODD_VALUES[choice])
        elif choice == len(ODD_VALUES):
            del holder[key]
        elif isinstance(holder, dict):
            holder[f"{key}?"] = holder.pop(key)
        else:
            holder.append(deepcopy(holder[key]))
        if not isinstance(data, dict) or not data:
            break
    text = json.dumps(data, ensure_ascii=bool(changes[0][1] % 2))
    if changes[0][0] % 11 == 0 and text.startswith("{") and len(data) > 1:
        name = next(iter(data))  # the same name twice
        text = f"{text[:-1]}, {json.dumps(name)}: {json.dumps(ODD_VALUES[changes[0][1] % len(ODD_VALUES)])}}}"
    return text.encode(encoding, errors="surrogatepass" if encoding != "latin-1" else "replace")


def _spots(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a value in nested lists and objects."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in list(items):
        yield data, key
        yield from _spots(value)
