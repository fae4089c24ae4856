"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL, beside transformers' own processor and models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.qwen import Qwen
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.messages import PICTURE, Message, Photo
from tests.families.checkpoints import noise_photo
from tests.families.checks import STEPS, check_regions, context_of, greedy
from tests.families.tiny_qwen import tiny_qwen2, tiny_qwen3, tiny_qwen25

SIZES = [(30, 50), (50, 30), (3, 2), (200, 9), (300, 200)]
ROOM = 8


@pytest.fixture(
    scope="module", params=[tiny_qwen2, tiny_qwen25, tiny_qwen3], ids=["qwen2", "qwen2.5", "qwen3"]
)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = request.param(tmp_path_factory.mktemp("qwen"))
    return path


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    """transformers' own, but for the part that reads films: that one needs torchvision."""
    from transformers import AutoTokenizer, Qwen2_5_VLProcessor, Qwen2VLProcessor, Qwen3VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    checkpoint = open_checkpoint(folder)
    kinds = {"qwen2_vl": Qwen2VLProcessor, "qwen2_5_vl": Qwen2_5_VLProcessor}
    kind = kinds.get(checkpoint.model_type, Qwen3VLProcessor)

    class WithoutFilms(kind):  # type: ignore[misc, valid-type]
        def check_argument_for_proper_class(self, name: str, given: object) -> None:
            assert given is not None or name == "video_processor"

    pictures = Qwen2VLImageProcessorPil(**checkpoint.image_processor)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    template = checkpoint.chat_template
    return WithoutFilms(pictures, tokenizer, None, chat_template=template)


def theirs(processor: Any, conversation: list[dict[str, Any]], photos: list[Photo]) -> Any:
    text = processor.apply_chat_template(conversation, add_generation_prompt=True)
    pictures = [photo.pixels for photo in photos] or None
    return processor(text=[text], images=pictures, return_tensors="pt")


def turn(role: str, *parts: str | None) -> dict[str, Any]:
    """None stands for a picture."""
    content = [{"type": "text", "text": part} if part else {"type": "image"} for part in parts]
    return {"role": role, "content": content}


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pixels_and_prompt_are_those_of_the_models_own_processor(
    family: Qwen, processor: Any, width: int, height: int
) -> None:
    assert isinstance(family, Qwen)
    photo = noise_photo(width, height)
    inputs = family.preprocess(photo)
    prompt = family.build_prompt([Message("user", "What is this?")], [inputs], ROOM)
    expected = theirs(processor, [turn("user", None, "What is this?")], [photo])
    assert np.array_equal(inputs.arrays["pixel_values"], expected["pixel_values"])
    assert np.array_equal(inputs.arrays["image_grid_thw"], expected["image_grid_thw"])
    assert list(prompt.token_ids) == expected["input_ids"][0].tolist()
    places = (expected["mm_token_type_ids"][0] == 1).nonzero().flatten().tolist()
    assert list(prompt.image_positions) == places


def test_positions_are_the_models_own(family: Qwen, processor: Any, model: Any) -> None:
    photos = [noise_photo(50, 30), noise_photo(20, 60)]
    messages = [
        Message("user", f"This {PICTURE} is a cat."),
        Message("assistant", "So it is."),
        Message("user", f"And {PICTURE}"),
    ]
    prompt = family.build_prompt(messages, [family.preprocess(photo) for photo in photos], ROOM)
    conversation = [
        turn("user", "This ", None, " is a cat."),
        turn("assistant", "So it is."),
        turn("user", "And ", None),
    ]
    given = theirs(processor, conversation, photos)
    assert list(prompt.token_ids) == given["input_ids"][0].tolist()
    arguments = (given["input_ids"], given["mm_token_type_ids"], given["image_grid_thw"])
    positions, delta = model.model.get_rope_index(*arguments)
    assert np.array_equal(prompt.positions, positions[:, 0])
    assert prompt.next_position == len(prompt.token_ids) + int(delta)


def test_without_a_photo_all_axes_count_together(family: Qwen) -> None:
    prompt = family.build_prompt([Message("user", "Hello")], [], ROOM)
    count = np.arange(len(prompt.token_ids))
    assert np.array_equal(prompt.positions, np.stack([count] * 3))
    assert prompt.next_position == len(prompt.token_ids)


@pytest.mark.parametrize(("width", "height"), [(30, 50), (50, 30), (4, 4), (32, 32)])
def test_the_token_that_a_region_moves_most_is_the_one_that_the_map_names(
    family: Qwen, runtime: CheckpointTorch, width: int, height: int
) -> None:
    def encode(inputs: ImageInputs) -> NDArray[np.float32]:
        found = runtime.encode(inputs, CancelToken()).embeddings
        return np.asarray(found if found.ndim == 2 else found[0])

    check_regions(noise_photo(width, height), family.preprocess, encode)


def test_tokens_and_attention_are_those_of_the_models_own_generate(
    family: Qwen, runtime: CheckpointTorch, processor: Any, model: Any
) -> None:
    photos = [noise_photo(50, 30), noise_photo(20, 60)]
    messages = [Message("user", f"Is {PICTURE} or {PICTURE} a cat?")]
    context = context_of(runtime, family, messages, photos)
    conversation = [turn("user", "Is ", None, " or ", None, " a cat?")]
    expected = model.generate(
        **theirs(processor, conversation, photos),
        max_new_tokens=STEPS,
        min_new_tokens=STEPS,
        do_sample=False,
        output_attentions=True,
        return_dict_in_generate=True,
    )
    tokens = greedy(runtime, context)
    assert [token.token_id for token in tokens] == expected.sequences[0, -STEPS:].tolist()
    places = list(context.prompt.image_positions)
    for token, layers in zip(tokens, expected.attentions, strict=True):
        rows = np.stack([layer[0, :, -1].numpy() for layer in layers])
        assert np.allclose(rows.sum(axis=-1), 1, atol=1e-5)
        assert token.attention is not None
        assert np.allclose(token.attention, rows[..., places], atol=1e-5)


def test_a_prompt_may_be_fed_in_pieces(family: Qwen, runtime: CheckpointTorch) -> None:
    context = context_of(runtime, family, [Message("user", "What?")], [noise_photo(50, 30)])
    ids = context.prompt.token_ids
    options: Any = {"attention": False, "cancel": CancelToken()}
    whole = runtime.decode(ids, context, None, **options)
    cut = context.prompt.image_positions[3]
    first = runtime.decode(ids[:cut], context, None, **options)
    second = runtime.decode(ids[cut:], context, first.cache, **options)
    assert np.allclose(whole.logits, second.logits, atol=1e-5)


def test_a_large_photo_takes_512_tokens_or_2048(family: Qwen) -> None:
    settings = {**family.checkpoint.image_processor, "max_pixels": 10**9}
    family = Qwen(replace(family.checkpoint, image_processor=settings))
    photo = noise_photo(1200, 900)
    glance, tiled = family.preprocess(photo), family.preprocess(photo, tiled=True)
    assert 450 < glance.tokens <= 512
    assert 1900 < tiled.tokens <= 2048
    assert tiled.grid.cells <= 1024
    assert np.allclose(tiled.patch_to_cell.sum(axis=1), 1)


def test_a_very_long_photo_is_refused(family: Qwen) -> None:
    with pytest.raises(ImageError, match="200 times"):
        family.preprocess(noise_photo(402, 2))
