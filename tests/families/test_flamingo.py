"""mmgpt-small, beside the language model that it is made of and the encoder that it borrows."""

from __future__ import annotations

import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.checkpoint_torch import CheckpointTorch
from mmgpt_desktop.messages import Message
from mmgpt_desktop.model.adapters import load_adapters, save_adapters
from mmgpt_desktop.model.looking_llama import FlamingoForConditionalGeneration
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.model.processing import MMGPTImageProcessor
from mmgpt_desktop.training.looks import LookCollator, freeze, photo_layout
from mmgpt_desktop.training.rows import Packer, Sample
from tests.families.checkpoints import noise_photo
from tests.families.checks import STEPS, context_of, greedy
from tests.families.tiny_flamingo import TINY as TINY
from tests.families.tiny_flamingo import tiny_model

PHOTO = noise_photo(60, 40, 1)
ASKED = [Message("user", "Is it red?"), Message("assistant", "no"), Message("user", "What then?")]


@pytest.fixture(scope="module")
def model(runtime: CheckpointTorch) -> FlamingoForConditionalGeneration:
    found: FlamingoForConditionalGeneration = runtime.model
    return found


def spoken(model: FlamingoForConditionalGeneration) -> Any:
    """The language model alone."""
    settings = LlamaConfig.from_dict({**model.config.to_dict(), "model_type": "llama"})
    alone = LlamaForCausalLM(settings).eval()
    alone.model.load_state_dict(model.language.state_dict(), strict=False)
    alone.tie_weights()
    return alone


def test_a_photos_pixels_are_those_of_mmgpt_mini(family: Family) -> None:
    from PIL import Image

    theirs = MMGPTImageProcessor()(Image.fromarray(PHOTO.pixels))["pixel_values"]
    inputs = family.preprocess(PHOTO)
    np.testing.assert_array_equal(inputs.arrays["pixel_values"], theirs)
    assert (inputs.grid.rows, inputs.grid.columns) == (16, 16)


def test_the_prompt_is_laid_out_as_the_rows_that_it_learnt_from(
    family: Family, model: FlamingoForConditionalGeneration
) -> None:
    layout = photo_layout(family.tokenizer, model.config)
    packer = Packer(family.tokenizer, 96, layout)
    first, second = packer.turn("Is it red?", "no"), packer.turn("What then?", "")
    begun = second.ids[: second.labels.count(IGNORED)]
    prompt = family.build_prompt(ASKED, [family.preprocess(PHOTO)], STEPS)
    assert list(prompt.token_ids) == [*layout.before, *first.ids, *begun]


def test_without_a_photo_it_is_the_language_model_itself(
    family: Family, runtime: CheckpointTorch
) -> None:
    context = context_of(runtime, family, [Message("user", "Hello")], [])
    text = family.tokenizer.decode(context.prompt.token_ids, skip_special_tokens=False)
    assert text == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    with torch.inference_mode():
        expected = spoken(runtime.model).generate(
            torch.tensor([context.prompt.token_ids]),
            max_new_tokens=STEPS,
            min_new_tokens=STEPS,
            do_sample=False,
        )
    tokens = greedy(runtime, context)
    assert [token.token_id for token in tokens] == expected[0, -STEPS:].tolist()
    assert all(token.attention is not None and not token.attention.size for token in tokens)


def test_shut_gates_leave_the_names_as_the_only_word_of_a_photo(
    family: Family, model: FlamingoForConditionalGeneration
) -> None:
    inputs = torch.from_numpy(family.preprocess(PHOTO).arrays["pixel_values"])
    prompt = family.build_prompt(ASKED, [family.preprocess(PHOTO)], STEPS)
    ids = torch.tensor([prompt.token_ids])
    gates: list[Any] = [layer.alpha_cross_attn for layer in model.language.gated_cross_attn_layers]
    open_gates = [gate.detach().clone() for gate in gates]
    with torch.inference_mode():
        photos = model.encode_pixels(inputs)
        looking = model(ids, photos=photos).logits
        for gate in gates:
            gate.zero_()
        blind = model(ids, photos=photos).logits
        named = ids.masked_scatter(ids == model.config.image_token_id, photos.names)
        expected = spoken(model)(named).logits
        for gate, value in zip(gates, open_gates, strict=True):
            gate.copy_(value)
    assert torch.allclose(blind, expected, atol=1e-4)
    assert (looking - expected).abs().max() > 0.1


def test_words_look_at_cells_and_nothing_looks_at_a_name(
    family: Family, runtime: CheckpointTorch
) -> None:
    context = context_of(runtime, family, ASKED, [PHOTO])
    names = runtime.model.config.name_places
    for token in greedy(runtime, context):
        assert token.attention is not None
        assert token.attention.shape[-1] == names + 256
        assert not token.attention[..., :names].any()
        total = token.attention.sum(axis=-1)
        assert ((total > 0) & (total < 1)).all()  # the null cell has the rest


def samples(model: FlamingoForConditionalGeneration, family: Family) -> list[Sample]:
    packer = Packer(family.tokenizer, 96, photo_layout(family.tokenizer, model.config))
    rng = np.random.default_rng(0)
    turns = [("Is it red?", "no"), ("What is it?", "a cat")]

    def sample(number: int) -> Sample:
        drawn = iter(turns * 6)
        row = packer.row(lambda: next(drawn), random.Random(number))
        fine, coarse = rng.random((256, 120)), rng.random((64, 352))
        return Sample(number, "x", fine.astype(np.float16), coarse.astype(np.float16), row)

    return [sample(number) for number in range(2)]


def test_turns_about_a_photo_in_one_row_dont_see_one_another(
    family: Family, model: FlamingoForConditionalGeneration
) -> None:
    batch = LookCollator(model.config, photo_layout(family.tokenizer, model.config))(
        samples(model, family)
    )
    segments = batch["segments"]
    with torch.inference_mode():
        packed = model(batch["input_ids"], segments=segments, **looked(batch)).logits[0]
        last = int(segments[0].max())
        keep = (segments[0] == 1) | (segments[0] == last)
        alone = {name: each[:1] for name, each in looked(batch).items()}
        single = model(batch["input_ids"][:1, keep], **alone).logits[0]
    assert torch.allclose(packed[keep], single, atol=1e-4)


def looked(batch: dict[str, Any]) -> dict[str, Any]:
    return {name: batch[name] for name in ("fine", "coarse")}


def test_only_the_adapters_learn(family: Family) -> None:
    model = tiny_model(1)
    freeze(model)
    model.float().train()
    before = {name: each.detach().clone() for name, each in model.state_dict().items()}
    batch = LookCollator(model.config, photo_layout(family.tokenizer, model.config))(
        samples(model, family)
    )
    learning = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=1e-3)
    losses = []
    for _ in range(8):
        loss = model(**batch).loss
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    changed = {
        name for name, each in model.state_dict().items() if not torch.equal(each, before[name])
    }
    assert losses[-1] < losses[0]
    assert changed == set(model.adapters())


@pytest.mark.parametrize("packed", [False, True])
def test_adapters_are_kept_alone_and_put_back(
    model: FlamingoForConditionalGeneration, tmp_path: Path, packed: bool
) -> None:
    save_adapters(model, tmp_path, packed=packed)
    other = tiny_model(1)
    load_adapters(other, tmp_path)
    for name, each in model.adapters().items():
        missed = (other.adapters()[name] - each).detach().square().mean().sqrt()
        assert missed <= (0.12 if packed else 1e-6) * each.detach().square().mean().sqrt()
    assert torch.equal(other.get_buffer("names"), model.get_buffer("names"))
    other = tiny_model(1)
    other.language.gated_cross_attn_layers.append(
        deepcopy(other.language.gated_cross_attn_layers[0])
    )
    with pytest.raises(ValueError, match="another model's"):
        load_adapters(other, tmp_path)
