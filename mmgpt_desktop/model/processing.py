"""Pictures and questions to tensors, as transformers' processors do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import BatchFeature, ProcessorMixin
from transformers.image_processing_utils import BaseImageProcessor

from mmgpt_desktop.imaging.pixels import ImageSpec, prepare
from mmgpt_desktop.messages import Message, Photo
from mmgpt_desktop.model.configuration import (
    ASSISTANT,
    END,
    IMAGE_MEAN,
    IMAGE_SIZE,
    IMAGE_STD,
    USER,
)


class MMGPTImageProcessor(BaseImageProcessor):
    """The whole picture squashed to a square; very long ones get a letterbox."""

    model_input_names = ["pixel_values"]  # noqa: RUF012 (transformers' own convention)

    def __init__(
        self,
        *,
        size: int = IMAGE_SIZE,
        image_mean: float = IMAGE_MEAN,
        image_std: float = IMAGE_STD,
        max_aspect: float = 2.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.image_mean = image_mean
        self.image_std = image_std
        self.max_aspect = max_aspect

    @property
    def spec(self) -> ImageSpec:
        cells = self.size // 16
        return ImageSpec(self.size, self.image_mean, self.image_std, self.max_aspect, cells, cells)

    def preprocess(self, images: Image.Image | Sequence[Image.Image], **_: Any) -> BatchFeature:
        """`pixel_values` float32 [B, 3, size, size]."""
        several = [images] if isinstance(images, Image.Image) else images
        photos = [Photo(np.asarray(image.convert("RGB")), "", "") for image in several]
        pixels = [prepare(photo, self.spec)[0] for photo in photos]
        return BatchFeature({"pixel_values": torch.from_numpy(np.concatenate(pixels))})


class MMGPTProcessor(ProcessorMixin):
    """Image processor, tokenizer and prompt layout."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, **kwargs: Any) -> None:
        super().__init__(image_processor, tokenizer, **kwargs)

    def __call__(
        self,
        images: Image.Image | None = None,
        text: str | Sequence[Message] | None = None,
        **_: Any,
    ) -> BatchFeature:
        """One picture and one question, or a conversation that ends with a question."""
        features: dict[str, Any] = {}
        if images is not None:
            features.update(self.image_processor(images))
        if text is not None:
            messages = [Message("user", text)] if isinstance(text, str) else list(text)
            features["input_ids"] = torch.tensor([self._prompt(messages)])
        return BatchFeature(features)

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        """`<|user|> question <|assistant|> answer <|end|>` for each turn, the last one open."""
        special = self.tokenizer.convert_tokens_to_ids
        ids: list[int] = []
        for message in messages:
            marks = (USER, "") if message.role == "user" else (ASSISTANT, END)
            words = self.tokenizer.encode(
                message.text.strip(), add_special_tokens=False, split_special_tokens=True
            )
            ids += [special(marks[0]), *words, *([special(END)] if marks[1] else [])]
        return [*ids, special(ASSISTANT)]
