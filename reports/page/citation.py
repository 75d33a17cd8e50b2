"""How to cite the paper and this suite."""

from __future__ import annotations

PAPER = """@inproceedings{zhang2025crossmodal,
  title     = {Cross-modal Information Flow in Multimodal Large Language Models},
  author    = {Zhang, Zhi and Yadav, Srishti and Han, Fengze and Shutova, Ekaterina},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2025},
  eprint    = {2411.18620},
  archivePrefix = {arXiv}
}"""


def entries(suite: str) -> tuple[tuple[str, str], ...]:
    """Return (what, BibTeX) for the paper and for this suite in version ``suite``."""
    kept = "".join(character for character in suite if character.isalnum() or character in ".+-")
    ours = (
        "@software{crossmodal_flow_findings,\n"
        "  title   = {Cross-modal flow findings: the claims of a paper as tests},\n"
        f"  version = {{{kept[:40]}}},\n"
        f"  year    = {{{kept[:4]}}}\n"
        "}"
    )
    return (("The paper", PAPER), ("This suite", ours))
