"""Whatever a file causes is one line that names it."""

import pytest

from harness.data.doors import door
from harness.data.errors import CheckpointError, DataError


class PanicError(BaseException):
    """As compiled libraries raise: no Exception."""


@pytest.mark.parametrize("error", [RecursionError("deep"), PanicError("deep\nbacktrace"), TypeError("deep")])
def test_anything_becomes_the_door_s_refusal(error: BaseException) -> None:
    with (
        pytest.raises(DataError, match=r"^x\.json: broken \(deep\); mend it$"),
        door(DataError, "x.json: broken", "mend it"),
    ):
        raise error


@pytest.mark.parametrize("error", [CheckpointError("said already"), KeyboardInterrupt(), SystemExit(3)])
def test_what_is_not_the_file_s_doing_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, door(DataError, "x.json"):
        raise error
    assert raised.value is error
