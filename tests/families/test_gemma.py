"""PaliGemma and Gemma 3, which read their photos both ways, beside transformers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    CONFIG_MAPPING,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    LlavaConfig,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from mmgpt_desktop.engine import text_models
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.model_inputs import Prompt
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.messages import Message
from tests.families.checkpoints import noise_photo, save_checkpoint
from tests.families.checks import (
    ASKED,
    PHOTOS,
    SHAPES,
    check_answer,
    check_map,
    check_prompt,
    liven,
    sentence_tokenizer,
)
from tests.not_none import not_none

GEMMA3_TEMPLATE = (
    "{{ bos_token }}{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}{%- set role = 'model' -%}"
    "{%- else -%}{%- set role = message['role'] -%}{%- endif -%}"
    "{{ '<start_of_turn>' + role + '\\n' }}"
    "{%- for item in message['content'] -%}{%- if item['type'] == 'image' -%}"
    "{{ '<start_of_image>' }}{%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}"
    "{%- endif -%}{%- endfor -%}{{ '<end_of_turn>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}"
)
SPECIAL = (
    *("<pad>", "<eos>", "<bos>", "<unk>", "<image>", "<start_of_turn>", "<end_of_turn>"),
    *("<start_of_image>", "<end_of_image>", "<image_soft_token>"),
)
SETTINGS: dict[str, Any] = {
    "size": {"height": 24, "width": 24},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
PALIGEMMA = {**SETTINGS, "resample": 3, "image_seq_length": 16}
GEMMA3 = {
    **SETTINGS,
    "resample": 2,
    "pan_and_scan_min_crop_size": 16,
    "pan_and_scan_max_num_crops": 3,
    "pan_and_scan_min_ratio_to_activate": 1.2,
    "do_pan_and_scan": None,
}
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 16,  # as wide as ONNX Runtime's operator takes them
    "query_pre_attn_scalar": 16,
    "max_position_embeddings": 512,
}
VISION: dict[str, Any] = {
    "model_type": "siglip_vision_model",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 24,
    "vision_use_head": False,
}
TOKENS = {
    **{"bos_token": "<bos>", "eos_token": "<eos>", "image_token": "<image_soft_token>"},
    **{"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"},
}
WINDOW = 12  # shorter than a photo


def tiny_paligemma(path: Path, text: str) -> Path:
    """4 x 4 patches of 6 x 6 pixels; `text` is "gemma", or "gemma2" with a sliding window."""
    tokenizer = sentence_tokenizer(SPECIAL, "<bos>", prepend=False)
    window = {"sliding_window": WINDOW} if text == "gemma2" else {}
    torch.manual_seed(0)
    config = PaliGemmaConfig(
        text_config={
            "model_type": text,
            **TEXT,
            **window,
            "vocab_size": tokenizer.get_vocab_size(),
        },
        vision_config={**VISION, "patch_size": 6},
        image_token_index=not_none(tokenizer.token_to_id("<image>")),
        projection_dim=32,
        hidden_size=32,
    )
    model = PaliGemmaForConditionalGeneration(config)
    liven(model)
    model.generation_config.eos_token_id = tokenizer.token_to_id("<eos>")
    tokens = {"bos_token": "<bos>", "eos_token": "<eos>"}
    processor = {"image_processor_type": "SiglipImageProcessor", **PALIGEMMA}
    return save_checkpoint(path, model, tokenizer, None, image_processor=processor, tokens=tokens)


def tiny_gemma3(path: Path) -> Path:
    """6 x 6 patches, averaged to 3 x 3 tokens; the first layer has a sliding window."""
    tokenizer = sentence_tokenizer(SPECIAL, "<bos>", prepend=False)
    ids = {token: tokenizer.token_to_id(token) for token in SPECIAL}
    torch.manual_seed(0)
    config = Gemma3Config(
        text_config={
            **TEXT,
            "vocab_size": tokenizer.get_vocab_size(),
            "sliding_window": WINDOW,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        vision_config={**VISION, "patch_size": 4},
        mm_tokens_per_image=9,
        boi_token_index=ids["<start_of_image>"],
        eoi_token_index=ids["<end_of_image>"],
        image_token_index=ids["<image_soft_token>"],
    )
    model = Gemma3ForConditionalGeneration(config)
    liven(model)
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight)
    model.generation_config.eos_token_id = [ids["<eos>"], ids["<end_of_turn>"]]
    processor = {"image_processor_type": "Gemma3ImageProcessor", **GEMMA3}
    return save_checkpoint(
        path, model, tokenizer, GEMMA3_TEMPLATE, image_processor=processor, tokens=TOKENS
    )


TINY = {"gemma3": tiny_gemma3, "paligemma": partial(tiny_paligemma, text="gemma")}


@pytest.fixture(scope="module", params=["gemma", "gemma2"])
def paligemma(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_paligemma(tmp_path_factory.mktemp("paligemma") / request.param, request.param)


@pytest.fixture(scope="module")
def gemma3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gemma3(tmp_path_factory.mktemp("gemma3") / "tiny")


def opened(path: Path) -> tuple[Family, CheckpointTorch]:
    checkpoint = open_checkpoint(path)
    return family_of(checkpoint), CheckpointTorch(checkpoint)


def token_types(inside: int) -> Any:
    def arguments(prompt: Prompt) -> dict[str, Any]:
        types = np.full((1, len(prompt.token_ids)), 1 - inside)
        assert prompt.blocks is not None
        types[0, : len(prompt.blocks)][prompt.blocks >= 0] = inside
        return {"token_type_ids": torch.from_numpy(types)}

    return arguments


@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_paligemmas_cell_map_is_right_by_experiment(
    paligemma: Path, width: int, height: int
) -> None:
    check_map(*opened(paligemma), noise_photo(width, height))


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_gemma_3s_cell_map_is_right_by_experiment(
    gemma3: Path, width: int, height: int, tiled: bool
) -> None:
    family, runtime = opened(gemma3)
    photo = noise_photo(width, height)
    cut = family.preprocess(photo, tiled=tiled).tokens > 9
    check_map(family, runtime, photo, tiled=tiled, overview=slice(0, 9 if cut else 0))


def test_paligemmas_words_and_attention_are_transformers_own(paligemma: Path) -> None:
    family, runtime = opened(paligemma)
    check_answer(family, runtime, [family.preprocess(noise_photo(60, 40))], token_types(inside=0))


def test_gemma_3s_words_and_attention_are_transformers_own(gemma3: Path) -> None:
    family, runtime = opened(gemma3)
    photos = [noise_photo(60, 40), noise_photo(9, 20)]
    check_answer(
        family, runtime, [family.preprocess(each) for each in photos], token_types(inside=1)
    )
    tiled = family.preprocess(photos[0], tiled=True)
    check_answer(family, runtime, [tiled], token_types(inside=1))


def test_paligemmas_prompt_and_pixels_are_transformers_own(paligemma: Path) -> None:
    processor = PaliGemmaProcessor(
        SiglipImageProcessorPil(**PALIGEMMA), PreTrainedTokenizerFast.from_pretrained(paligemma)
    )
    family = family_of(open_checkpoint(paligemma))
    photos = [noise_photo(60, 40), noise_photo(9, 20)]
    images = [family.preprocess(photo) for photo in photos]
    theirs = processor(
        images=[[photo.pixels for photo in photos]],
        text=f"<image><image>{ASKED}",
        return_tensors="np",
    )
    earlier = [Message("user", "First."), Message("assistant", "An answer.")]
    prompt = family.build_prompt([*earlier, Message("user", ASKED)], images, 16)
    assert list(prompt.token_ids) == theirs["input_ids"][0].tolist()
    assert prompt.positions.tolist() == [list(range(1, len(prompt.token_ids) + 1))]
    assert prompt.dropped_turns == 1
    pixels = np.concatenate([each.arrays["pixel_values"] for each in images])
    np.testing.assert_array_equal(pixels, theirs["pixel_values"])


def test_gemma_3s_prompts_and_pixels_are_transformers_own(gemma3: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(gemma3, extra_special_tokens=TOKENS)
    family = family_of(open_checkpoint(gemma3))
    for tiled in (False, True):
        images = Gemma3ImageProcessorPil(**{**GEMMA3, "do_pan_and_scan": tiled})
        processor = Gemma3Processor(
            images, tokenizer, chat_template=GEMMA3_TEMPLATE, image_seq_length=9
        )
        processor.images_kwargs = {}
        for each in [*PHOTOS, noise_photo(16, 90), noise_photo(45, 20)]:
            check_prompt(family, processor, [each], tiled=tiled)
        if not tiled:
            check_prompt(family, processor, PHOTOS)


def test_heads_that_nobody_wrote_down_are_transformers_own() -> None:
    for kind, model in text_models.TEXT_MODELS.items():
        if model.heads is not None and kind in CONFIG_MAPPING and kind != "gemma3":
            assert CONFIG_MAPPING[kind]().num_attention_heads == model.heads


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Gemma3Config, {"model_type": "gemma3_text", "hidden_size": 2560}),
        (Gemma3Config, {"model_type": "gemma3_text", "num_attention_heads": 16}),
        (PaliGemmaConfig, {"model_type": "gemma", "num_attention_heads": 8}),
        (PaliGemmaConfig, {"model_type": "gemma2", "hidden_size": 2304}),
        (LlavaConfig, {"model_type": "llama", "vocab_size": 32064}),
    ],
)
def test_heads_are_read_as_transformers_reads_them(kind: Any, text: dict[str, Any]) -> None:
    config = kind(text_config=text)
    read = config.get_text_config(decoder=True).num_attention_heads
    assert text_models.attention_heads({"text_config": text}) == read
    assert text_models.attention_heads(config.to_dict()) == read


def test_heads_that_nobody_knows_are_said() -> None:
    with pytest.raises(BundleError, match="does not say how many heads it has"):
        text_models.attention_heads({"text_config": {"model_type": "mystery"}})
