"""What a run does: its options, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.measuring.shard import Shard
from harness.statistics.futility import FUTILE
from harness.statistics.looks import PLAN, LookPlan

EMBEDDED = "embedded"
AUTO = "auto"
"""The device of a model that is spread over all GPUs; the dtype that depends on the checkpoint."""
NOT_KNOWN = "not known"
"""The dtype of what was measured elsewhere."""
DEFAULT_ALPHA = PLAN.alpha
DEFAULT_SHOWN, MOST_SHOWN = 6, 12
"""Samples per task that the report shows, unless asked for, and at most."""
USUAL_SCENES = 360
"""Questions of each task that a run asks of the embedded scenes unless told, each about another picture."""
REFERENCE = "reference"
"""What records and stores call the engine of ``--reference``."""
ALL = "all"
"""What ``--samples`` calls all of a data set."""


@dataclass(frozen=True)
class Settings:
    """What a run does.

    Attributes:
        checkpoints: names, in order.
        dataset: folder of the data files, or None for the embedded scenes.
        images: folder of the images, or None for the data set's own.
        tasks: tasks asked for, or None for all.
        samples: at most so many samples per task, or None for all.
        window: window size k, or None for the rule's.
        device: torch device.
        dtype: name of a torch dtype, or ``auto``: see `checkpoint_dtype`.
        alpha: largest error of a verdict.
        evidence: where evidence is stored.
        report: where the report goes.
        accept: whether verdicts become expectations.
        gpu: whether the run is one that demands a GPU.
        prompt: name or file of the prompt format, or None for each checkpoint's own.
        image_handling: how pictures are handled, or None for each checkpoint's own way.
        boxes: the rule by which boxes become patches, or None for each checkpoint's default.
        measure_only: whether nothing is judged.
        judge_only: whether nothing is measured.
        shard: the part of the images that this run measures, or None for all.
        processes: processes that measure on a CPU, or None for as many as are of use.
        memory: bytes that the packed passes of one process may take, or None for what is free.
        ray_shards: shards to measure on a Ray cluster first, or None.
        report_samples: samples per task that the report shows.
        futility: whether claims that more images are unlikely to decide are measured no further.
        accept_as: the name under which verdicts and curves are accepted, whatever is on file there, or None.
        baseline: name or file of the baseline to compare with, or None.
        evidence_of: folder of an import, which is judged in place of what is measured here, or None.
        reference: whether the slow reference measures in place of the sweep.
    """

    checkpoints: tuple[str, ...]
    dataset: Path | None
    images: Path | None
    tasks: tuple[str, ...] | None
    samples: int | None
    window: int | None
    device: str
    dtype: str
    alpha: float
    evidence: Path
    report: Path
    accept: bool
    gpu: bool
    prompt: str | None = None
    image_handling: str | None = None
    boxes: str | None = None
    measure_only: bool = False
    judge_only: bool = False
    shard: Shard | None = None
    processes: int | None = None
    memory: int | None = None
    ray_shards: int | None = None
    report_samples: int = DEFAULT_SHOWN
    baseline: str | None = None
    accept_as: str | None = None
    futility: bool = True
    evidence_of: Path | None = None
    reference: bool = False

    @property
    def look_plan(self) -> LookPlan:
        """When the run looks at its evidence, and how much of alpha each look may spend."""
        return replace(PLAN, alpha=self.alpha)

    @property
    def protocol(self) -> Mapping[str, str]:
        """The options that a verdict depends on; expectations hold for those they were accepted with."""
        return {
            "tasks": ", ".join(self.tasks) if self.tasks else "all",
            "samples": str(self.samples) if self.samples else ALL,
            "window": str(self.window) if self.window else "rule",
            "alpha": f"{self.alpha:g}",
            "dtype": self.dtype,
            "looks": ", ".join(f"{share:.3g}" for share in self.look_plan.images),
            "futility": f"{FUTILE:g}" if self.futility else "off",
            **({"prompt": self.prompt} if self.prompt else {}),
            **({"image handling": self.image_handling} if self.image_handling else {}),
            **({"boxes": self.boxes} if self.boxes else {}),
        }

    @property
    def default_protocol(self) -> bool:
        """Whether nothing was changed that a verdict depends on."""
        changed = (self.tasks, self.window, self.prompt, self.image_handling, self.boxes, self.samples_option)
        dtype = NOT_KNOWN if self.evidence_of else default_dtype(self.device)
        usual = self.alpha == DEFAULT_ALPHA and self.dtype == dtype
        return usual and changed == (None,) * len(changed)

    @property
    def samples_option(self) -> str | None:
        """What ``--samples`` must say for a run on as many samples; None: nothing."""
        if self.evidence_of is not None:
            return None if self.samples is None else str(self.samples)
        if not self.futility:
            return ALL
        return None if self.samples == usual_samples(self.dataset) else str(self.samples)

    def kept_as(self, name: str) -> str:
        """The name under which a checkpoint's verdicts and curves are on file.

        A run on all there is (``--samples all``) is one of its own, beside the usual one.

        Args:
            name: the checkpoint's.
        """
        return name if self.futility else f"{name}.{ALL}"


def usual_samples(dataset: Path | None) -> int | None:
    """Samples of each task that a run takes unless told: some of the embedded scenes, else all (None).

    Args:
        dataset: folder of the data files, or None for the embedded scenes.
    """
    return USUAL_SCENES if dataset is None else None


def default_dtype(device: str) -> str:
    """The dtype that a device computes in unless asked for another: on a GPU it depends on the checkpoint."""
    return AUTO if device.startswith(("cuda", AUTO)) else "float32"


def checkpoint_dtype(dtype: str, stated: str | None) -> str:
    """The dtype that a checkpoint is computed in.

    Weights trained in bfloat16 may overflow in float16, which ends at 65,504; others are more precise in it.

    Args:
        dtype: a run's; ``auto`` means bfloat16 where the checkpoint was saved in it, else float16.
        stated: name of the dtype that the checkpoint says it was saved in, or None.
    """
    if dtype != AUTO:
        return dtype
    return "bfloat16" if stated == "bfloat16" else "float16"
