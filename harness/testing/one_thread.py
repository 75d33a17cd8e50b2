"""One thread for each process of the tests: pytest-xdist already has one for each core."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread, here and in processes that a test starts.

    With as many threads as cores in each of several processes, the threads of small products wait for each
    other longer than they compute. Who has set ``OMP_NUM_THREADS`` is obeyed. The findings are measured
    before any test begins, with the threads that the options say.
    """
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)
