"""Claim tests among the items that pytest collects, and the catalogue that belongs to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from harness.data.errors import HarnessError
from harness.verdicts.catalogue import CATALOGUE, Catalogue, Entry, check_tested, read_catalogue
from harness.verdicts.claim_tests import claim_tests, statements
from harness.verdicts.claims import Claim

MARKER = "claim"


def catalogue_of(config: pytest.Config) -> Catalogue:
    """The catalogue of the suite's claims.

    Raises:
        pytest.UsageError: if it cannot be used.
    """
    try:
        return read_catalogue(config.rootpath / CATALOGUE)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


def check_catalogue(config: pytest.Config) -> None:
    """Check that every claim has one test and one entry, if claims are among what is to be collected.

    The tests' files are read, not collected: a run of some of them sees what is missing from all.

    Raises:
        pytest.UsageError: if one lacks the other.
    """
    folder = config.rootpath / CATALOGUE.parent
    if not any(_meet(folder, config.invocation_params.dir / word.split("::")[0]) for word in config.args):
        return
    try:
        check_tested(catalogue_of(config), claim_tests(folder))
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


def _meet(folder: Path, path: Path) -> bool:
    path = path.resolve()
    return path.is_relative_to(folder) or folder.is_relative_to(path)


def claim_of(item: pytest.Item) -> Claim | None:
    """The claim an item tests, or None for any other test.

    Raises:
        pytest.UsageError: if the catalogue has no entry of it.
    """
    marker = item.get_closest_marker(MARKER)
    if marker is None or not isinstance(item, pytest.Function):
        return None
    params: dict[str, Any] = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    if not isinstance(params.get("task"), str | None):
        return None  # none of the claim's tasks was asked for; pytest skips it
    name = str(marker.args[0])
    return Claim(
        test=item.nodeid,
        id=name,
        source=_entry(item, name).source,
        statement=statements(item.path).get(item.originalname, ""),
        checkpoint=str(params.get("study", "")),
        task=params.get("task"),
        function=item.obj,
    )


def _entry(item: pytest.Item, claim: str) -> Entry:
    entry = catalogue_of(item.config).claims.get(claim)
    if entry is None:
        raise pytest.UsageError(f"{CATALOGUE}: claim {claim} has no entry, but a test, {item.nodeid}")
    return entry


def claims_of(items: Iterable[pytest.Item]) -> list[Claim]:
    """All claims among the items, in order."""
    return [claim for item in items if (claim := claim_of(item)) is not None]
