"""What every library is given, and how its script answers: nothing but torch and safetensors is needed.

A script's ``prepare`` loads the model and returns a function from a knockout to the logits of the last
row. `serve` calls it for each number that comes in, so that the libraries can take turns with the
sweep; the model is loaded and has run once before the first turn.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

INPUTS, KNOCKOUTS = "inputs.safetensors", "knockouts.json"


@dataclass(frozen=True)
class Blocked:
    """Queries at ``targets`` may not read keys at ``sources``, in ``layers``, in every head."""

    sources: list[int]
    targets: list[int]
    layers: list[int]


@dataclass(frozen=True)
class Case:
    """A folder with a checkpoint in transformers' format, one prompt and some knockouts.

    Attributes:
        model: the checkpoint's folder.
        inputs: what the model is called with: ``input_ids`` ``[1, n]`` and ``pixel_values``.
        knockouts: what is blocked.
    """

    model: str
    inputs: dict[str, Tensor]
    knockouts: list[Blocked]

    @classmethod
    def read(cls, folder: Path) -> Case:
        """Read a folder that `write` wrote."""
        listed = json.loads((folder / KNOCKOUTS).read_text(encoding="utf-8"))
        return cls(str(folder / "model"), load_file(folder / INPUTS), [Blocked(**one) for one in listed])

    def write(self, folder: Path) -> None:
        """Write inputs and knockouts beside the checkpoint, which is there already."""
        save_file(self.inputs, folder / INPUTS)
        listed = [asdict(one) for one in self.knockouts]
        (folder / KNOCKOUTS).write_text(json.dumps(listed), encoding="utf-8")

    @property
    def length(self) -> int:
        """Tokens of the prompt."""
        return int(self.inputs["input_ids"].shape[1])

    def mask(self, blocked: Blocked) -> Tensor:
        """The additive mask ``[1, 1, n, n]`` of a knockout: causal, less its edges."""
        mask = torch.full((self.length, self.length), torch.finfo(torch.float32).min).triu_(1)
        mask[torch.tensor(blocked.targets)[:, None], torch.tensor(blocked.sources)] = torch.finfo(
            torch.float32
        ).min
        return mask[None, None]


Logits = Callable[[Blocked], Tensor]
Prepare = Callable[[Case], Logits]


def serve(prepare: Prepare) -> None:
    """Answer the numbers of knockouts on standard input, a line of JSON for each.

    An answer has the CPU seconds it took and the file with log-probabilities ``[vocabulary]``.
    """
    torch.set_num_threads(1)
    folder, answers = Path(sys.argv[1]), sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    case = Case.read(folder)
    with torch.no_grad():
        logits = prepare(case)
        logits(case.knockouts[0])
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for number in sys.stdin:
            start = time.process_time()
            row = logits(case.knockouts[int(number)])
            took = time.process_time() - start
            path = folder / f"{Path(sys.argv[0]).stem}.safetensors"
            save_file({"row": row.detach().float().log_softmax(-1).contiguous()}, path)
            print(json.dumps({"seconds": took, "file": str(path)}), file=answers, flush=True)
