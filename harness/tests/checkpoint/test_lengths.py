"""How long a prompt may be: a decoder's context, stretched or not, and its sliding window."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.checkpoint.encode import encode
from harness.checkpoint.lengths import attention_window, context_length, fixed_rotary_length
from harness.data.dataset import make_dataset
from harness.engine.engines import SweepEngine
from harness.measuring.measurer import ImageMeasurer
from harness.measuring.request import Request
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint


@pytest.mark.parametrize(
    ("config", "most"),
    [
        ({"max_position_embeddings": 2048}, 2048),
        ({}, None),
        ({"max_position_embeddings": None}, None),
        ({"max_position_embeddings": 4096, "rope_parameters": {"rope_type": "linear", "factor": 4.0}}, 16384),
        (
            {
                "max_position_embeddings": 131072,
                "rope_parameters": {
                    "rope_type": "llama3",
                    "factor": 8.0,
                    "original_max_position_embeddings": 8192,
                },
            },
            131072,
        ),
        (
            {
                "max_position_embeddings": 100,
                "rope_parameters": {"full_attention": {"factor": 2}, "sliding_attention": {}},
            },
            200,
        ),
    ],
)
def test_the_context_is_what_the_configuration_says(config: dict[str, Any], most: int | None) -> None:
    assert context_length(SimpleNamespace(**config)) == most


@pytest.mark.parametrize(
    ("config", "window"),
    [
        ({"sliding_window": 8}, 8),
        ({"sliding_window": 8, "use_sliding_window": False}, 8),  # Mistral's model does not ask
        ({"sliding_window": 8, "use_sliding_window": False, "layer_types": ["full_attention"]}, None),
        ({"sliding_window": 8, "layer_types": ["full_attention", "sliding_attention"]}, 8),
        ({"sliding_window": None, "layer_types": ["full_attention"]}, None),
        ({}, None),
    ],
)
def test_the_window_counts_where_a_model_heeds_it(config: dict[str, Any], window: int | None) -> None:
    assert attention_window(SimpleNamespace(**config)) == window


def test_a_prompt_longer_than_the_context_is_a_sample_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = sample(picture(tmp_path))
    long = replace(short, id="0002", question=f"{'what is the large red object or ' * 3}what ?")
    made = tiny_checkpoint()
    most = encode(made, short).length
    monkeypatch.setattr(made.model.config.text_config, "max_position_embeddings", most)
    measurer = ImageMeasurer(made, SweepEngine(made), make_dataset("two", "0", [short, long]))
    rows = {row["sample"]: row["reason"] for row in measurer.image([Request(short, ()), Request(long, ())])}
    assert rows["0002"] == f"the prompt is longer than the decoder's context of {most} tokens"
    assert "context" not in str(rows["0001"]), "what fits is measured"


LONG = {"rope_type": "longrope", "original_max_position_embeddings": 4096}


@pytest.mark.parametrize(
    ("rope", "most"),
    [
        (None, None),
        ({"rope_type": "default"}, None),
        ({"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}, None),
        ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}, None),
        ({"rope_type": "dynamic", "factor": 2.0}, 9000),
        (LONG, 4096),
        ({"rope_type": "longrope"}, 9000),
        ({"full_attention": LONG, "sliding_attention": {"rope_type": "default"}}, 4096),
    ],
)
def test_rotary_positions_are_fixed_up_to_a_length(rope: dict[str, Any] | None, most: int | None) -> None:
    config = SimpleNamespace(max_position_embeddings=9000, rope_parameters=rope)
    assert fixed_rotary_length(config) == most
