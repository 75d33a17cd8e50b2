"""A subprocess worker: a process of this machine that measures into a store until its parent is done or dead.

The parent writes pickles to its standard input: first the store and what loads the measurer, then, look
by look, what is wanted. It answers with what it has done so far, twice a second and after every image.
When its input ends, it ends at once, whatever it is doing: its locks fall with it.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.measuring.progress import Tally
from harness.measuring.pulse import pulse

if TYPE_CHECKING:
    from harness.measuring.worker import Load, Requests

ROOT = Path(__file__).resolve().parents[2]


class SubprocessWorker:
    """A subprocess worker as its parent sees it.

    Args:
        store: the store's folder.
        load: loads what measures.
    """

    def __init__(self, store: Path, load: Load) -> None:
        self.tally = Tally()
        """What it has done so far."""
        self.died = False
        """Whether it ended by itself."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness.measuring.subprocess_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._send((store, load))

    def begin(self, requests: Requests, *, apart: bool) -> None:
        """Let it measure what these blocks lack, together with everybody else; see `Worker.complete`."""
        self._send((requests, apart))

    def close(self) -> None:
        """End it."""
        self.died = self._process.poll() is not None
        with suppress(OSError):
            self._pipe.close()
        self._process.wait()
        self._listener.join()

    @property
    def _pipe(self) -> Any:  # noqa: ANN401 - the writing end of a pipe
        return self._process.stdin

    def _send(self, message: object) -> None:
        with suppress(OSError):  # it died; `close` will say so
            pickle.dump(message, self._pipe)
            self._pipe.flush()

    def _listen(self) -> None:
        stream: Any = self._process.stdout
        with stream:
            for line in stream:
                self.tally = Tally(**json.loads(line))


def main() -> None:
    """Measure what the parent asks for, until it asks no more."""
    from harness.data.errors import HarnessError  # noqa: PLC0415 - only the subprocess worker itself pays for imports
    from harness.evidence.store import Evidence  # noqa: PLC0415
    from harness.measuring.worker import Worker  # noqa: PLC0415

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    asked: queue.Queue[Any] = queue.Queue()
    store, load = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent
    threading.Thread(target=_read, args=(asked.put,), daemon=True).start()
    worker = Worker(Evidence.existing(store), load, patience=0.0)  # the parent has waited
    lock = threading.Lock()

    def answer() -> None:
        with lock, suppress(OSError):  # the parent is dead; so will this process be
            print(json.dumps(asdict(worker.tally())), file=answers, flush=True)

    worker.on_measured = answer  # so that what it has published is counted
    while True:
        requests, apart = asked.get()
        with suppress(HarnessError), pulse(answer):  # the parent meets the same error and says it
            worker.complete(requests, lambda *_: None, apart=apart)


def _read(put: Callable[[object], None]) -> None:
    with suppress(EOFError):
        while True:
            put(pickle.load(sys.stdin.buffer))  # noqa: S301 - from the parent
    os._exit(0)


if __name__ == "__main__":
    main()
