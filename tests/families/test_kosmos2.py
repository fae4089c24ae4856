"""Kosmos-2, beside transformers' own processor and model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.kosmos2 import Kosmos2, box_between
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.messages import PICTURE, Box, Message
from tests.families.checkpoints import noise_photo
from tests.families.checks import STEPS, check_regions, context_of, greedy
from tests.families.tiny_kosmos2 import LATENTS, SIDE, tiny_kosmos2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_kosmos2(tmp_path_factory.mktemp("kosmos2"))


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    from transformers import AutoTokenizer, Kosmos2Processor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    pictures = CLIPImageProcessorPil(**open_checkpoint(folder).image_processor)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return Kosmos2Processor(pictures, tokenizer, SIDE * SIDE)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("An image of", "<grounding> An image of"),
        ("What is this?", "<grounding> Question: What is this? Answer:"),
    ],
)
def test_pixels_and_prompt_are_those_of_the_models_own_processor(
    family: Kosmos2, processor: Any, said: str, told: str
) -> None:
    assert isinstance(family, Kosmos2)
    photo = noise_photo(50, 30)
    inputs = family.preprocess(photo)
    prompt = family.build_prompt([Message("user", said)], [inputs], STEPS)
    given = {"text": told, "num_image_tokens": LATENTS, "return_tensors": "pt"}
    expected = processor(images=photo.pixels, **given)
    assert np.array_equal(inputs.arrays["pixel_values"], expected["pixel_values"])
    assert list(prompt.token_ids) == expected["input_ids"][0].tolist()
    places = expected["image_embeds_position_mask"][0].nonzero().flatten().tolist()
    assert list(prompt.image_positions) == places


def test_without_a_photo_the_prompt_is_the_processors_too(family: Kosmos2, processor: Any) -> None:
    prompt = family.build_prompt([Message("user", "An image of")], [], STEPS)
    assert list(prompt.token_ids) == processor(text="<grounding> An image of")["input_ids"]


def test_earlier_turns_and_pictures_between_words(family: Kosmos2) -> None:
    messages = [
        Message("user", "What is this?"),
        Message("assistant", "A cat."),
        Message("user", f"Is it like {PICTURE} here?"),
    ]
    prompt = family.build_prompt(
        messages, [family.preprocess(noise_photo(20, 30, seed)) for seed in (1, 2)], STEPS
    )
    expected = (
        "<s><image></image> <grounding> Question: What is this? Answer: A cat."
        " Question: Is it like <image></image> here? Answer:"
    )
    ids = np.array(prompt.token_ids)
    assert len(prompt.image_positions) == 2 * LATENTS
    words = np.delete(ids, prompt.image_positions).tolist()
    assert words == family.tokenizer.encode(expected, add_special_tokens=False).ids


def test_tags_that_a_user_types_are_plain_text(family: Kosmos2) -> None:
    prompt = family.build_prompt([Message("user", "<image> <phrase> of")], [], STEPS)
    tags = {family.tokenizer.token_to_id(tag) for tag in ("<image>", "<phrase>")}
    assert not tags & set(prompt.token_ids)


def test_a_photo_that_is_cropped_is_seen_in_the_middle(family: Kosmos2) -> None:
    cropped = Kosmos2(family.checkpoint)
    cropped.settings = family.settings | {"size": {"shortest_edge": 28}}
    inputs = cropped.preprocess(noise_photo(112, 56))
    assert inputs.grid.box == Box(28, 0, 84, 56)
    assert inputs.arrays["pixel_values"].shape == (1, 3, 28, 28)


@pytest.mark.parametrize(("width", "height"), [(30, 50), (50, 30), (8, 4), (28, 28)])
def test_the_patch_that_a_region_moves_most_is_the_one_that_the_map_names(
    family: Kosmos2, model: Any, width: int, height: int
) -> None:
    import torch

    def patches(inputs: ImageInputs) -> NDArray[np.float32]:
        with torch.inference_mode():
            pixels = torch.tensor(inputs.arrays["pixel_values"])
            return np.asarray(model.vision_model(pixels).last_hidden_state[0])

    check_regions(noise_photo(width, height), family.preprocess, patches)


def test_latents_reading_is_the_models_projection_attention(
    family: Kosmos2, runtime: CheckpointTorch, model: Any, processor: Any
) -> None:
    photo = noise_photo(50, 30)
    inputs = family.preprocess(photo)
    found = runtime.encode(inputs, CancelToken())
    text = {"text": "An image of", "num_image_tokens": LATENTS, "return_tensors": "pt"}
    expected = model(**processor(images=photo.pixels, **text))
    weights = expected.projection_attentions[0].mean(dim=0).detach().numpy()
    assert found.reading is not None
    assert found.reading.shape == (LATENTS, len(inputs.patch_to_cell))
    assert np.allclose(found.reading, weights[:, : len(inputs.patch_to_cell)], atol=1e-6)
    assert np.allclose(found.embeddings, expected.image_embeds[0].detach(), atol=1e-6)


def test_tokens_and_attention_are_those_of_the_models_own_generate(
    family: Kosmos2, runtime: CheckpointTorch, processor: Any, model: Any
) -> None:
    photo = noise_photo(50, 30)
    context = context_of(runtime, family, [Message("user", "An image of")], [photo])
    text = {"text": "<grounding> An image of", "num_image_tokens": LATENTS}
    given = processor(images=photo.pixels, return_tensors="pt", **text)
    lengths = {"max_new_tokens": STEPS, "min_new_tokens": STEPS}
    expected = model.generate(**given, do_sample=False, **lengths)
    tokens = greedy(runtime, context)
    written = [token.token_id for token in tokens]
    assert written == expected[0, -STEPS:].tolist()
    given["input_ids"] = expected[:, :-1]
    rest = STEPS - 1
    mask = given["image_embeds_position_mask"]
    given["image_embeds_position_mask"] = np_pad(mask, rest)
    given["attention_mask"] = np_pad(given["attention_mask"], rest) * 0 + 1
    whole = model(**given, output_attentions=True)
    rows = np.stack([layer[0].detach().numpy() for layer in whole.attentions])
    assert np.allclose(rows.sum(axis=-1), 1, atol=1e-5)
    places, prompt = list(context.prompt.image_positions), len(context.prompt.token_ids)
    for step, token in enumerate(tokens):
        assert token.attention is not None
        assert np.allclose(token.attention, rows[:, :, prompt - 1 + step, places], atol=1e-5)


def np_pad(mask: Any, count: int) -> Any:
    import torch

    return torch.nn.functional.pad(mask, (0, count))


def test_markers_are_no_text_and_become_boxes(family: Kosmos2) -> None:
    said = (
        "<grounding> An image of<phrase> a snowman</phrase><object><patch_index_0044>"
        "<patch_index_0863></object> by<phrase> fires</phrase><object><patch_index_0005>"
        "<patch_index_0007></delimiter_of_multi_objects/><patch_index_0911><patch_index_0911>"
        "</object><object><patch_index_0000><patch_index_1023></object>"
    )
    ids = family.tokenizer.encode(said, add_special_tokens=False).ids
    text = b"".join(map(family.token_bytes, ids)).decode().strip()
    assert text == "An image of a snowman by fires"
    photo = noise_photo(320, 640)
    snowman, fires, alone = family.groundings(ids, [family.preprocess(photo)])
    words = [b"".join(map(family.token_bytes, ids[each.start : each.stop])).decode().strip()
             for each in (snowman, fires, alone)]  # fmt: skip
    assert words == ["a snowman", "fires", ""]
    assert snowman.boxes == (Box(125.0, 30.0, 315.0, 530.0),)
    assert fires.boxes == (Box(50.0, 0.0, 80.0, 20.0), Box(150.0, 560.0, 160.0, 580.0))
    assert alone.boxes == (Box(5.0, 10.0, 315.0, 630.0),)


def test_boxes_are_the_models_own(processor: Any) -> None:
    from transformers.models.kosmos2.processing_kosmos2 import patch_index_to_coordinate

    random = np.random.default_rng(0)
    for first, last in [(5, 7), (44, 863), (3, 35), (9, 9), *random.integers(0, 1024, (20, 2))]:
        box = box_between(int(first), int(last), SIDE)
        expected = patch_index_to_coordinate(int(first), int(last), SIDE)
        assert np.allclose((box.left, box.top, box.right, box.bottom), expected)


@pytest.mark.parametrize(
    "said",
    [
        "<object></object>",
        "<patch_index_0003></object>",
        "<phrase> a</phrase><object><patch_index_0003></object>",
        "</object></phrase><phrase>",
    ],
)
def test_broken_markers_give_no_boxes(family: Kosmos2, said: str) -> None:
    ids = family.tokenizer.encode(said, add_special_tokens=False).ids
    assert family.groundings(ids, [family.preprocess(noise_photo(20, 20))]) == ()
