"""Load a checkpoint's processor: tokenizer, image processor, chat template."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from harness.checkpoint.door import checkpoint_door
from harness.checkpoint.info import CheckpointInfo
from harness.checkpoint.prompt import IMAGE
from harness.data.errors import CheckpointError

IMAGE_TOKENS = ("image_token", "context_image_token")
"""What tokenizers call the token of a visual token; InternVL's has a name of its own."""
WRITTEN = (IMAGE, "<|image_pad|>")
"""How it is written where no file says so: Qwen-VL's processors have it in their code."""


@dataclass(frozen=True)
class ImageProcessing:
    """What the harness needs of a processor, for model types whose processor wants more than is there.

    LLaVA-OneVision's, SmolVLM2's, InternVL's and Qwen-VL's bring a video processor, which needs torchvision;
    Mistral 3's needs it by itself.
    """

    tokenizer: Any
    image_processor: Any
    image_token: str | None
    chat_template: str | None

    def apply_chat_template(self, messages: list[dict[str, Any]], **options: Any) -> Any:  # noqa: ANN401
        """See transformers' processors."""
        return self.tokenizer.apply_chat_template(messages, chat_template=self.chat_template, **options)


def load_processor(info: CheckpointInfo) -> Any:  # noqa: ANN401 - transformers has no common base
    """A checkpoint's processor, its pictures resized by PIL as the paper's were.

    Raises:
        CheckpointError: if it cannot be loaded, or has no image token.
    """
    from transformers import AutoImageProcessor, AutoProcessor  # noqa: PLC0415 - takes seconds

    source = info.path
    options: dict[str, Any] = {"revision": info.revision, "trust_remote_code": False}
    with checkpoint_door(source, "its processor cannot be loaded"):
        try:
            processor: Any = AutoProcessor.from_pretrained(source, **options)
        except (ImportError, ValueError) as error:
            if not (isinstance(error, ImportError) or "torchvision" in str(error)):
                raise
            processor = _without_video(source, options)
        if find_spec("torchvision") is not None and hasattr(processor, "image_processor"):
            # The pixels of the paper, and of machines without torchvision, are PIL's.
            processor.image_processor = AutoImageProcessor.from_pretrained(source, backend="pil", **options)
    if getattr(processor, "image_token", None) is None or not hasattr(processor, "image_processor"):
        raise CheckpointError(f"{source}: its processor has no image token; is it a text-only model?")
    return processor


def _known(tokenizer: Any) -> str | None:  # noqa: ANN401
    vocabulary = tokenizer.get_vocab()
    return next((token for token in WRITTEN if token in vocabulary), None)


def _without_video(source: str, options: dict[str, Any]) -> ImageProcessing:
    from transformers import AutoImageProcessor, AutoTokenizer  # noqa: PLC0415 - takes seconds
    from transformers.processing_utils import ProcessorMixin  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(source, **options)
    images = AutoImageProcessor.from_pretrained(source, backend="pil", **options)
    settings = ProcessorMixin.get_processor_dict(source, **options)[0]
    token = next(filter(None, (getattr(tokenizer, name, None) for name in IMAGE_TOKENS)), None)
    token = token or settings.get("image_token") or _known(tokenizer)
    template = settings.get("chat_template") or tokenizer.chat_template
    return ImageProcessing(tokenizer, images, token, template)


def visual_token(processor: Any) -> str:  # noqa: ANN401
    """The text of one visual token.

    What a template writes for a picture is ``image_token``, the same token in most model types; Gemma 3's
    writes a mark, which its processor replaces by visual tokens of another name.
    """
    owner = processor.tokenizer if hasattr(processor, "boi_token") else processor
    return str(owner.image_token)


def check_image_token(processor: Any, model: Any) -> None:  # noqa: ANN401
    """The tokenizer must write the very token that the model puts its visual tokens in place of."""
    written = processor.tokenizer.convert_tokens_to_ids(visual_token(processor))
    if written != model.config.image_token_id:
        raise CheckpointError(
            f"its tokenizer's image token {visual_token(processor)!r} has id {written}, the model's image "
            f"token has id {model.config.image_token_id}"
        )


def first_line(error: Exception) -> str:
    """The first line of an error's message; its type where it has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0]
