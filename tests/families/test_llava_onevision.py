"""LLaVA-OneVision beside transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from tests.families.checkpoints import SIZES, byte_tokenizer, noise_photo, save_checkpoint
from tests.families.checks import (
    PHOTOS,
    SHAPES,
    check_answer,
    check_map,
    check_prompt,
    liven,
    two_of,
    without_videos,
)
from tests.not_none import not_none

TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' '}}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ '\\n' + content['text'] }}{% endfor %}{{'<|im_end|>'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>")
TILE, MOST = 22, 2
PINPOINTS = [[TILE * rows, TILE * columns] for rows in (1, 2, 3) for columns in (1, 2, 3)]
SETTINGS: dict[str, Any] = {
    "size": {"height": TILE, "width": TILE},
    "resample": 3,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "image_grid_pinpoints": PINPOINTS,
}


def tiny_onevision(path: Path) -> Path:
    """Views of 22 x 22 pixels are 5 x 5 patches and unread pixels; at most 2 tiles' tokens."""
    tokenizer = byte_tokenizer(SPECIAL)
    text = {
        "model_type": "qwen2",
        **SIZES,
        "num_key_value_heads": 1,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 512,
    }
    vision = {
        "model_type": "siglip_vision_model",
        **SIZES,
        "image_size": TILE,
        "patch_size": 4,
        "vision_use_head": False,
    }
    torch.manual_seed(0)
    config = LlavaOnevisionConfig(
        text_config=text,
        vision_config=vision,
        image_token_index=not_none(tokenizer.token_to_id("<image>")),
        video_token_index=not_none(tokenizer.token_to_id("<video>")),
        image_grid_pinpoints=PINPOINTS,
        vision_aspect_ratio=f"anyres_max_{MOST}",
    )
    model = LlavaOnevisionForConditionalGeneration(config)
    liven(model)
    model.generation_config.eos_token_id = tokenizer.token_to_id("<|im_end|>")
    return save_checkpoint(
        path,
        model,
        tokenizer,
        TEMPLATE,
        image_processor={"image_processor_type": "LlavaOnevisionImageProcessor", **SETTINGS},
        tokens={"eos_token": "<|im_end|>"},
    )


TINY = {"llava_onevision": tiny_onevision}


@pytest.fixture
def processor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    without_videos(monkeypatch)
    return LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessorPil(**SETTINGS),
        PreTrainedTokenizerFast.from_pretrained(folder),
        None,
        num_image_tokens=25,
        vision_feature_select_strategy="full",
        vision_aspect_ratio=f"anyres_max_{MOST}",
        chat_template=TEMPLATE,
    )


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(("width", "height"), [*SHAPES, (66, 30)])
def test_the_cell_map_is_right_by_experiment(
    family: Family, runtime: CheckpointTorch, width: int, height: int, tiled: bool
) -> None:
    overview = slice(0, 25 if tiled else 0)
    check_map(family, runtime, noise_photo(width, height), tiled=tiled, overview=overview)


def test_tiles_are_as_many_as_transformers_counts(family: Family, processor: Any) -> None:
    sides = np.random.default_rng(0).integers(1, 90, (200, 2)).tolist()
    for width, height in [*sides, (1, 90), (90, 1)]:
        expected = processor._get_number_of_features(height, width, TILE, TILE)
        assert family.preprocess(noise_photo(width, height), tiled=True).tokens == expected


def test_a_large_grid_is_scaled_down_and_its_map_is_still_right(
    family: Family, runtime: CheckpointTorch
) -> None:
    photo = noise_photo(64, 60)  # 9 tiles where 2 are wanted
    assert family.preprocess(photo, tiled=True).tokens < 25 + 3 * 25
    check_map(family, runtime, photo, tiled=True, overview=slice(0, 25))


def test_words_and_attention_are_transformers_own(family: Family, runtime: CheckpointTorch) -> None:
    check_answer(family, runtime, [family.preprocess(noise_photo(60, 40), tiled=True)])
    check_answer(family, runtime, two_of(family))


def test_prompts_and_pixels_are_transformers_own(family: Family, processor: Any) -> None:
    check_prompt(family, processor, PHOTOS, tiled=True)
