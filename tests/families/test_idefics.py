"""Idefics, beside transformers' own processor and model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.engine.families.idefics import Idefics
from mmgpt_desktop.engine.families.runtimes.idefics_torch import latent_weights
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.messages import PICTURE, Message
from tests.families.checkpoints import noise_photo
from tests.families.checks import STEPS, check_regions, context_of, greedy
from tests.families.tiny_idefics import LATENTS, tiny_idefics, tokenizer

PATCHES = 1 + 4 * 4


@pytest.fixture(scope="module", params=[True, False], ids=["resampler", "patches"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_idefics(tmp_path_factory.mktemp("idefics"), resampler=request.param)


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    from transformers import AutoTokenizer, IdeficsProcessor
    from transformers.models.idefics.image_processing_pil_idefics import IdeficsImageProcessorPil

    pictures = IdeficsImageProcessorPil(**open_checkpoint(folder).image_processor)
    return IdeficsProcessor(pictures, AutoTokenizer.from_pretrained(folder, local_files_only=True))


FIRST, SECOND = noise_photo(50, 30, 1), noise_photo(20, 60, 2)
FEW_SHOT = [
    Message("user", f"{PICTURE}What is this?"),
    Message("assistant", "A cat."),
    Message("user", f"And {PICTURE}"),
]


def few_shot(processor: Any) -> Any:
    """The same conversation as Idefics' authors write one."""
    prompt = [
        *("User:", FIRST.pixels, "What is this?<end_of_utterance>\nAssistant: A cat."),
        *("<end_of_utterance>\nUser: And", SECOND.pixels, "<end_of_utterance>\nAssistant:"),
    ]
    return processor(text=prompt, return_tensors="pt", add_end_of_utterance_token=False)


def test_pixels_prompt_and_photos_are_those_of_the_models_own_processor(
    family: Idefics, processor: Any
) -> None:
    assert isinstance(family, Idefics)
    images = [family.preprocess(FIRST), family.preprocess(SECOND)]
    prompt = family.build_prompt(FEW_SHOT, images, STEPS)
    expected = few_shot(processor)
    pixels = np.concatenate([each.arrays["pixel_values"] for each in images])
    assert np.array_equal(pixels, expected["pixel_values"][0])
    assert list(prompt.token_ids) == expected["input_ids"][0].tolist()
    image = family.tokenizer.token_to_id("<image>")
    places = (expected["input_ids"][0] == image).nonzero().flatten()
    assert list(prompt.image_positions) == places.repeat_interleave(images[0].tokens).tolist()


def test_photos_side_by_side_share_the_token_between_them(family: Idefics, processor: Any) -> None:
    images = [family.preprocess(FIRST), family.preprocess(SECOND)]
    prompt = family.build_prompt([Message("user", "Compare.")], images, STEPS)
    theirs = ["User:", FIRST.pixels, SECOND.pixels, "Compare.<end_of_utterance>\nAssistant:"]
    expected = processor(text=theirs, return_tensors="pt")
    assert list(prompt.token_ids) == expected["input_ids"][0].tolist()


def test_the_base_model_ends_turns_with_lines(family: Idefics) -> None:
    base = Idefics(family.checkpoint)
    base.tokenizer = tokenizer(instructed=False)
    prompt = base.build_prompt(
        [*FEW_SHOT[:2], Message("user", "So?")], [base.preprocess(FIRST)], STEPS
    )
    expected = (
        "<s>User:<fake_token_around_image><image><fake_token_around_image>What is this?\n"
        "Assistant: A cat.\nUser: So?\nAssistant:"
    )
    assert list(prompt.token_ids) == base.tokenizer.encode(expected, add_special_tokens=False).ids


def test_an_answer_ends_where_a_turn_or_a_picture_of_its_own_would_come(family: Idefics) -> None:
    named = ("</s>", "<end_of_utterance>", "<fake_token_around_image>", "<image>")
    assert family.stop_ids == {family.tokenizer.token_to_id(token) for token in named}


@pytest.mark.parametrize(("width", "height"), [(30, 50), (50, 30), (8, 4), (28, 28)])
def test_the_patch_that_a_region_moves_most_is_the_one_that_the_map_names(
    family: Idefics, model: Any, width: int, height: int
) -> None:
    import torch

    def patches(inputs: ImageInputs) -> NDArray[np.float32]:
        with torch.inference_mode():
            pixels = torch.tensor(inputs.arrays["pixel_values"])
            return np.asarray(model.model.vision_model(pixels).last_hidden_state[0])

    check_regions(noise_photo(width, height), family.preprocess, patches)


def test_latents_and_what_they_read(family: Idefics, runtime: CheckpointTorch, model: Any) -> None:
    import torch

    inputs = family.preprocess(FIRST)
    found = runtime.encode(inputs, CancelToken())
    with torch.inference_mode():
        base = model.model
        pixels = torch.tensor(inputs.arrays["pixel_values"])
        expected = base.vision_model(pixels).last_hidden_state
        if base.config.use_resampler:
            expected = base.perceiver_resampler(expected)
    assert np.allclose(found.embeddings, expected[0], atol=1e-5)
    if not base.config.use_resampler:
        assert found.reading is None
        assert inputs.tokens == PATCHES
        return
    assert found.reading is not None
    assert found.reading.shape == (LATENTS, PATCHES)
    assert (found.reading >= 0).all()
    # Half is a latent's own in each of two blocks, and a block's softmax goes to latents too.
    assert (found.reading.sum(axis=1) < 0.75).all()
    assert (found.reading.sum(axis=1) > 0.2).all()


def test_a_resamplers_weights_make_its_output() -> None:
    import torch
    from transformers.models.idefics.perceiver import IdeficsPerceiverAttention

    torch.manual_seed(1)
    patches, latents = torch.randn(1, PATCHES, 32), torch.randn(1, LATENTS, 32)
    attention = IdeficsPerceiverAttention(32, n_heads=1, head_dim=8, qk_layer_norms=True)
    with torch.inference_mode():
        weights = latent_weights(attention, patches, latents)
        both = [attention.context_layer_norm(patches), attention.latents_layer_norm(latents)]
        values = attention.v_proj(torch.cat(both, dim=1))[0]
        expected = attention(patches, latents)[0]
        assert torch.allclose(attention.output_proj(weights @ values), expected, atol=1e-5)


def test_tokens_and_attention_are_those_of_the_models_own_generate(
    family: Idefics, runtime: CheckpointTorch, processor: Any, model: Any
) -> None:
    import torch

    context = context_of(runtime, family, FEW_SHOT, [FIRST, SECOND])
    given = few_shot(processor)
    lengths = {"max_new_tokens": STEPS, "min_new_tokens": STEPS}
    rows = list[Any]()
    hooks = [
        layer.cross_attn.register_forward_hook(lambda _m, _a, found: rows.append(found[1]))
        for layer in model.model.gated_cross_attn_layers
    ]
    expected = model.generate(**given, do_sample=False, **lengths)
    for hook in hooks:
        hook.remove()
    tokens = greedy(runtime, context)
    assert [token.token_id for token in tokens] == expected[0, -STEPS:].tolist()
    for step, token in enumerate(tokens):
        layers = torch.stack([row[0, :, -1] for row in rows[2 * step : 2 * step + 2]])
        assert token.attention is not None
        assert np.allclose(token.attention, layers, atol=1e-5)
        assert np.allclose(token.attention.sum(axis=-1), 1, atol=1e-5)
        count = token.attention.shape[-1] // 2
        assert not token.attention[..., :count].any()  # it looks at the last photo alone


def test_without_a_photo_it_answers_as_the_model_does_and_looks_nowhere(
    family: Idefics, runtime: CheckpointTorch, processor: Any, model: Any
) -> None:
    context = context_of(runtime, family, [Message("user", "Hello")], [])
    given = processor(text=["User: Hello<end_of_utterance>\nAssistant:"], return_tensors="pt")
    lengths = {"max_new_tokens": STEPS, "min_new_tokens": STEPS}
    expected = model.generate(**given, do_sample=False, **lengths)
    tokens = greedy(runtime, context)
    assert [token.token_id for token in tokens] == expected[0, -STEPS:].tolist()
    assert all(token.attention is not None and not token.attention.any() for token in tokens)
