"""InternVL beside transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

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
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n'}}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}"
    "{{ '<IMG_CONTEXT>\\n' }}{% elif content['type'] == 'text' %}{{ content['text'] }}"
    "{% endif %}{% endfor %}{% endif %}{{'<|im_end|>\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\\n' }}{% endif %}"
)
SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<img>", "</img>", "<IMG_CONTEXT>", "<video>"),
)
VIEW = 9  # tokens of a view
SETTINGS: dict[str, Any] = {
    "size": {"height": 24, "width": 24},
    "crop_to_patches": False,
    "min_patches": 1,
    "max_patches": 6,
    "resample": 3,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


def tiny_internvl(path: Path) -> Path:
    """Views of 24 x 24 pixels are 6 x 6 patches and 3 x 3 tokens; at most 6 tiles."""
    tokenizer = byte_tokenizer(SPECIAL)
    text = {
        "model_type": "qwen2",
        **SIZES,
        "num_key_value_heads": 1,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 512,
    }
    vision = {
        "model_type": "internvl_vision",
        **SIZES,
        "image_size": [24, 24],
        "patch_size": [4, 4],
    }
    torch.manual_seed(0)
    config = InternVLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=not_none(tokenizer.token_to_id("<IMG_CONTEXT>")),
        image_seq_length=VIEW,
    )
    model = InternVLForConditionalGeneration(config)
    liven(model)
    model.generation_config.eos_token_id = tokenizer.token_to_id("<|im_end|>")
    return save_checkpoint(
        path,
        model,
        tokenizer,
        TEMPLATE,
        image_processor={"image_processor_type": "GotOcr2ImageProcessor", **SETTINGS},
        tokens={"eos_token": "<|im_end|>"},
    )


TINY = {"internvl": tiny_internvl}


def processor(folder: Path, *, tiles: bool) -> Any:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(
        folder,
        extra_special_tokens={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
    )
    made = InternVLProcessor(
        GotOcr2ImageProcessorPil(**SETTINGS),
        tokenizer,
        None,
        image_seq_length=VIEW,
        chat_template=TEMPLATE,
    )
    vars(made)["images_kwargs"] = {"crop_to_patches": tiles}
    return made


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_the_cell_map_is_right_by_experiment(
    family: Family, runtime: CheckpointTorch, width: int, height: int, tiled: bool
) -> None:
    photo = noise_photo(width, height)
    cut = family.preprocess(photo, tiled=tiled).tokens > VIEW
    overview = slice(-VIEW, None) if cut else slice(0, 0)
    check_map(family, runtime, photo, tiled=tiled, overview=overview)


def test_a_long_photo_has_tiles_along_it(family: Family) -> None:
    inputs = family.preprocess(noise_photo(60, 20), tiled=True)
    assert (inputs.grid.rows, inputs.grid.columns) == (3, 9)
    assert inputs.tokens == 4 * VIEW


def test_words_and_attention_are_transformers_own(family: Family, runtime: CheckpointTorch) -> None:
    check_answer(family, runtime, [family.preprocess(noise_photo(60, 40), tiled=True)])
    check_answer(family, runtime, two_of(family))


def test_prompts_and_pixels_are_transformers_own(
    family: Family, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_videos(monkeypatch)
    check_prompt(family, processor(folder, tiles=False), PHOTOS)
    for each in [*PHOTOS, noise_photo(100, 99), noise_photo(48, 47)]:
        check_prompt(family, processor(folder, tiles=True), [each], tiled=True)
