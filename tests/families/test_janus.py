"""Janus beside transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import processors
from transformers import (
    JanusConfig,
    JanusForConditionalGeneration,
    JanusProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.janus.image_processing_pil_janus import JanusImageProcessorPil

from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.registry import checkpoint_torch, family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.messages import PICTURE, Box, Message
from tests.families.checkpoints import SIZES, byte_tokenizer, noise_photo, save_checkpoint
from tests.families.checks import (
    PHOTOS,
    SHAPES,
    check_answer,
    check_map,
    check_prompt,
    embeddings,
    liven,
    two_of,
)
from tests.not_none import not_none

TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<|User|>: ' }}{% else %}{{ '<|Assistant|>: ' }}"
    "{% endif %}{% for content in message['content'] %}{% if content['type'] == 'image' %}"
    "{{ '<image_placeholder>\\n' }}{% else %}{{ content['text'] }}{% endif %}{% endfor %}"
    "{% if message['role'] == 'user' %}{{ '\\n\\n' }}{% else %}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|Assistant|>:' }}{% endif %}"
)
BEGIN, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"  # noqa: RUF001
IMAGES = {
    "image_token": "<image_placeholder>",
    "boi_token": "<begin_of_image>",
    "eoi_token": "<end_of_image>",
}
SPECIAL = (BEGIN, END, "<|User|>", "<|Assistant|>", *IMAGES.values())
SETTINGS: dict[str, Any] = {
    "size": {"height": 24, "width": 24},
    "min_size": 3,
    "resample": 3,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.5, 0.5, 0.5],
}
TOKENS = 36
LONG = [(90, 20), (20, 90)]


def tiny_janus(path: Path, *, system: bool = False) -> Path:
    """A square of 24 x 24 pixels is 6 x 6 patches; with `system` its own prompt goes first."""
    tokenizer = byte_tokenizer(SPECIAL)
    begin = (BEGIN, not_none(tokenizer.token_to_id(BEGIN)))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[begin]
    )
    text = {
        "model_type": "llama",
        **SIZES,
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 1024,
    }
    eyes = {name: size for name, size in SIZES.items() if name != "intermediate_size"}
    width = SIZES["hidden_size"]
    torch.manual_seed(0)
    config = JanusConfig(
        text_config=text,
        vision_config={
            **eyes,
            "image_size": 24,
            "patch_size": 4,
            "projection_dim": width,
            "num_image_tokens": TOKENS,
        },
        vq_config={
            "embed_dim": 4,
            "num_embeddings": 16,
            "latent_channels": 32,
            "base_channels": 32,
            "channel_multiplier": [1, 1],
            "num_res_blocks": 1,
            "projection_dim": width,
            "image_token_embed_dim": width,
        },
        image_token_id=not_none(tokenizer.token_to_id("<image_placeholder>")),
        tie_word_embeddings=False,
    )
    model = JanusForConditionalGeneration(config)
    liven(model)
    model.generation_config.eos_token_id = tokenizer.token_to_id(END)
    save_checkpoint(
        path,
        model,
        tokenizer,
        TEMPLATE,
        image_processor={"image_processor_type": "JanusImageProcessor", **SETTINGS},
        tokens={"bos_token": BEGIN, "eos_token": END},
    )
    change(path, "processor_config", use_default_system_prompt=system, num_image_tokens=TOKENS)
    return path


TINY = {"janus": tiny_janus}


def change(folder: Path, name: str, **changes: Any) -> None:
    """In a file of settings."""
    file = folder / f"{name}.json"
    settings = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps({**settings, **changes}))


def processor(folder: Path, *, system: bool = False) -> Any:
    return JanusProcessor(
        JanusImageProcessorPil(**SETTINGS),
        PreTrainedTokenizerFast.from_pretrained(folder, extra_special_tokens=IMAGES),
        chat_template=TEMPLATE,
        use_default_system_prompt=system,
        num_image_tokens=TOKENS,
    )


@pytest.mark.parametrize(("width", "height"), [*SHAPES, *LONG])
def test_the_cell_map_is_right_by_experiment(
    family: Family, runtime: CheckpointTorch, width: int, height: int
) -> None:
    check_map(family, runtime, noise_photo(width, height))


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (60, 40, Box(0, -10, 60, 50)),
        (40, 60, Box(-10, 0, 50, 60)),
        (24, 24, Box(0, 0, 24, 24)),
        (96, 4, Box(0, -40 / 3, 96, 56 / 3)),  # 3 pixels high, and not 1
    ],
)
def test_the_cells_reach_beyond_a_long_photo(
    family: Family, width: int, height: int, box: Box
) -> None:
    inputs = family.preprocess(noise_photo(width, height))
    assert (inputs.grid.rows, inputs.grid.columns, inputs.tokens) == (6, 6, TOKENS)
    found = inputs.grid.box
    np.testing.assert_allclose(
        (found.left, found.top, found.right, found.bottom),
        (box.left, box.top, box.right, box.bottom),
    )


def test_words_and_attention_are_transformers_own(family: Family, runtime: CheckpointTorch) -> None:
    check_answer(family, runtime, two_of(family))


def test_prompts_and_pixels_are_transformers_own(family: Family, folder: Path) -> None:
    theirs = processor(folder)
    check_prompt(family, theirs, PHOTOS)
    for width, height in [*SHAPES, *LONG, (90, 7), (2, 90)]:
        check_prompt(family, theirs, [noise_photo(width, height)])


def test_the_system_prompt_goes_first_where_settings_say_so(tmp_path: Path, family: Family) -> None:
    path = tiny_janus(tmp_path / "model", system=True)
    told = family_of(open_checkpoint(path))
    check_prompt(told, processor(path, system=True), PHOTOS)
    for each, begin in ((told, "You are a helpful"), (family, "<|User|>: What?")):
        asked = each.build_prompt([Message("user", "What?")], [], 16).token_ids
        text = each.tokenizer.decode(asked, skip_special_tokens=False)
        assert text.startswith(f"{BEGIN}{begin}")


def test_what_settings_leave_out_is_taken_as_transformers_does(tmp_path: Path) -> None:
    path = tiny_janus(tmp_path / "model")
    file = path / "preprocessor_config.json"
    file.write_text(json.dumps({"size": SETTINGS["size"]}))
    theirs = processor(path)
    theirs.image_processor = JanusImageProcessorPil(size=SETTINGS["size"])
    check_prompt(family_of(open_checkpoint(path)), theirs, [*PHOTOS, noise_photo(90, 2)])


def test_a_typed_placeholder_is_no_picture(family: Family) -> None:
    typed = "".join(IMAGES.values())
    images = [family.preprocess(noise_photo(24, 24))]
    prompt = family.build_prompt([Message("user", f"{PICTURE}Is {typed} here?")], images, 16)
    assert len(prompt.image_positions) == TOKENS
    for token in ("boi_token", "eoi_token"):
        assert prompt.token_ids.count(family.tokenizer.token_to_id(IMAGES[token])) == 1


def test_what_makes_pictures_is_neither_loaded_nor_missed(
    family: Family, runtime: CheckpointTorch, tmp_path: Path
) -> None:
    path = tiny_janus(tmp_path / "model")
    file = path / "model.safetensors"
    whole = load_file(file)
    reads = ("model.vision_model.", "model.aligner.", "model.language_model.", "lm_head.")
    kept = {name: each for name, each in whole.items() if name.startswith(reads)}
    assert len(kept) < len(whole)
    save_file(kept, file, metadata={"format": "pt"})
    half = checkpoint_torch(open_checkpoint(path))
    assert set(half.model.state_dict()) == set(runtime.model.state_dict()) == set(kept)
    inputs = family.preprocess(noise_photo(60, 40))
    np.testing.assert_array_equal(embeddings(half, inputs), embeddings(runtime, inputs))


BAD: list[tuple[Callable[[Path], object], str]] = [
    (
        lambda path: change(path, "preprocessor_config", size={"height": 24, "width": 20}),
        "are damaged or don't fit together",
    ),
    (
        lambda path: change(path, "preprocessor_config", size={"height": 48, "width": 48}),
        "are damaged or don't fit together",
    ),
    (lambda path: change(path, "preprocessor_config", size=[24]), "give size as something"),
    (lambda path: change(path, "preprocessor_config", min_size="few"), "give min_size as"),
    (lambda path: change(path, "preprocessor_config", min_size=25), "give min_size as"),
    (lambda path: change(path, "config", vision_config={"patch_size": 0}), "give patch_size as"),
    (
        lambda path: (path / "chat_template.jinja").unlink(),
        "has no chat template",
    ),
]


@pytest.mark.parametrize(("damage", "sentence"), BAD)
def test_damaged_settings_are_a_sentence(
    tmp_path: Path, damage: Callable[[Path], object], sentence: str
) -> None:
    path = tiny_janus(tmp_path / "model")
    damage(path)
    with pytest.raises(BundleError, match=sentence):
        family_of(open_checkpoint(path))
