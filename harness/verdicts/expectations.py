"""What is known about a checkpoint: a verdict for every claim and task, valid for one set of hashes."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from harness.data.atomic_files import write_whole
from harness.data.doors import door
from harness.data.errors import HarnessError
from harness.data.regular_files import read_regular
from harness.statistics.verdict import Verdict
from harness.verdicts.content_hash import FIELD, content_hash

VERSION = 1
FIELDS = frozenset({"version", "date", "checkpoint_sha256", "dataset_sha256", "protocol", "verdict", FIELD})
"""What a file of expectations holds, and nothing else: a damaged name is no other field."""


@dataclass(frozen=True)
class Expectations:
    """The committed verdicts of one checkpoint.

    Attributes:
        path: the file they are kept in.
        checkpoint_sha256: hash of the checkpoint they were accepted on.
        dataset_sha256: hash of the data set they were accepted on.
        protocol: the options they were accepted under.
        verdicts: verdict by claim key (``"A1"``, ``"B1/ChooseAttr"``).
        reasons: why, by claim key, where somebody said so.
        date: when they were accepted.
    """

    path: Path
    checkpoint_sha256: str
    dataset_sha256: str
    protocol: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    reasons: Mapping[str, str]
    date: str

    def valid_for(self, checkpoint_sha256: str, dataset_sha256: str, protocol: Mapping[str, str]) -> bool:
        """Whether they may be enforced on this checkpoint, data set and protocol."""
        return not self.stale(checkpoint_sha256, dataset_sha256, protocol)

    def stale(self, checkpoint_sha256: str, dataset_sha256: str, protocol: Mapping[str, str]) -> str:
        """Why they may not be enforced on this checkpoint, data set and protocol; empty if they may."""
        for what, then, here in (
            ("other files of the checkpoint", self.checkpoint_sha256, checkpoint_sha256),
            ("another data set", self.dataset_sha256, dataset_sha256),
        ):
            if then != here:
                return f"accepted on {what} ({then[:12]}, here {here[:12]})"
        differs = option_that_differs(self.protocol, protocol)
        return f"accepted with {differs}" if differs else ""


def option_that_differs(then: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Name the first option that two runs resolved differently, with both values; empty if none is."""
    for name in sorted(then.keys() | here.keys()):
        before, now = then.get(name, "default"), here.get(name, "default")
        if before != now:
            return f"{name} {before}, this run has {name} {now}"
    return ""


def read_expectations(path: Path | None) -> Expectations | None:
    """Read a checkpoint's expectations; None if there are none.

    Raises:
        HarnessError: if the file is not of the form that `write_expectations` writes, or damaged. One without
            a hash was written before it was kept.
    """
    if path is None or not path.is_file():
        return None
    with door(HarnessError, f"{path}: not a file of expectations", "write it with --accept"):
        data = tomllib.loads(read_regular(path).decode("utf-8"))
        version = data["version"]
        if version != VERSION:
            raise HarnessError(f"{path}: expectations of version {version}, this suite reads {VERSION}")
        if data.keys() - FIELDS:
            raise ValueError(f"it has no field {min(data.keys() - FIELDS)!r}")
        if FIELD in data and data[FIELD] != _hash(data):
            raise HarnessError(
                f"{path}: damaged or changed by hand: its verdicts do not match its {FIELD}; "
                "--accept-as writes it anew"
            )
        rows = {str(row["claim"]): row for row in data["verdict"]}
        if len(rows) < len(data["verdict"]):
            raise ValueError("a claim stands there twice")
        return Expectations(
            path,
            str(data["checkpoint_sha256"]),
            str(data["dataset_sha256"]),
            {str(name): str(value) for name, value in data["protocol"].items()},
            {key: Verdict(row["verdict"]) for key, row in rows.items()},
            {key: str(row.get("reason", "")) for key, row in rows.items()},
            str(data["date"]),
        )


def write_expectations(path: Path, expectations: Expectations) -> None:
    """Write a checkpoint's expectations, claims in order.

    Raises:
        HarnessError: if the file cannot be written.
    """
    data = {
        "version": VERSION,
        "date": expectations.date,
        "checkpoint_sha256": expectations.checkpoint_sha256,
        "dataset_sha256": expectations.dataset_sha256,
        "protocol": dict(expectations.protocol),
        "verdict": [
            {"claim": key, "verdict": verdict.value, "reason": expectations.reasons.get(key, "")}
            for key, verdict in expectations.verdicts.items()
        ],
    }
    text = tomli_w.dumps({FIELD: _hash(data), **data})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise HarnessError(f"{path}: cannot be written ({error.strerror})") from error


def _hash(data: Mapping[str, Any]) -> str:
    """SHA-256 over all that a run enforces; a verdict's reason may be put in better words by hand."""
    verdicts = [[row["claim"], row["verdict"]] for row in data["verdict"]]
    return content_hash({**data, "verdict": verdicts})


def today() -> str:
    """The date of an acceptance, UTC."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def differences(old: Mapping[str, Verdict], new: Mapping[str, Verdict]) -> list[str]:
    """Lines that say what changes, for a person to read before it is written."""
    keys: Iterable[str] = dict.fromkeys([*old, *new])
    return [
        f"{key}: {old[key].value if key in old else '—'} → {new[key].value if key in new else '—'}"
        for key in keys
        if old.get(key) != new.get(key)
    ]
