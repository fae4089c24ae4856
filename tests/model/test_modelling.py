"""The model computes the same however its work is cut up."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from mmgpt_desktop.messages import Message
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.training.bundle import processor

IDS = torch.tensor([[1, 20, 30, 40, 2, 50, 60]])
PIXELS = torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.no_grad():
        yield


def empty_past(model: MMGPTForConditionalGeneration) -> list[tuple[torch.Tensor, torch.Tensor]]:
    config = model.config
    none = torch.zeros(1, config.num_attention_heads, 0, config.head_dim)
    return [(none, none)] * config.num_hidden_layers


def test_steps_with_a_cache_equal_one_pass(tiny_model: MMGPTForConditionalGeneration) -> None:
    whole = tiny_model(IDS, pixel_values=PIXELS, output_attentions=True)
    keys, values = tiny_model.encode_image(PIXELS)
    _, past, _ = tiny_model.decode_step(IDS[:, :4], keys, values, empty_past(tiny_model))
    logits, past, attention = tiny_model.decode_step(IDS[:, 4:], keys, values, past)
    assert torch.allclose(logits, whole.logits[:, -1], atol=1e-5)
    assert attention.shape == (1, 2, 2, 16)
    assert torch.allclose(attention, torch.cat(whole.attentions, dim=2).transpose(1, 2), atol=1e-6)
    assert past[0][0].shape[2] == IDS.shape[1]


def test_attention_over_cells_leaves_room_for_the_null_cell(
    tiny_model: MMGPTForConditionalGeneration,
) -> None:
    keys, values = tiny_model.encode_image(PIXELS)
    _, _, attention = tiny_model.decode_step(IDS, keys, values, empty_past(tiny_model))
    sums = attention.sum(dim=-1)
    assert (sums > 0).all()
    assert (sums < 1).all()


def test_the_picture_changes_the_answer_and_its_absence_hides_it(
    tiny_model: MMGPTForConditionalGeneration,
) -> None:
    seen = tiny_model(IDS, pixel_values=PIXELS).logits
    other = tiny_model(IDS, pixel_values=-PIXELS).logits
    blind = tiny_model(IDS).logits
    hidden = tiny_model(IDS, pixel_values=PIXELS, has_image=torch.tensor([False])).logits
    assert not torch.allclose(seen, other, atol=1e-3)
    assert not torch.allclose(seen, blind, atol=1e-3)
    assert torch.allclose(blind, hidden, atol=1e-5)


def test_rows_that_share_a_picture_equal_rows_alone(
    tiny_model: MMGPTForConditionalGeneration,
) -> None:
    other = IDS.flip(1)
    pixels = torch.cat([PIXELS, -PIXELS])
    rows = torch.cat([IDS, other, other, IDS])  # two rows for each of two pictures
    together = tiny_model(rows, pixel_values=pixels).logits
    for row, (ids, picture) in enumerate(
        [(IDS, PIXELS), (other, PIXELS), (other, -PIXELS), (IDS, -PIXELS)]
    ):
        assert torch.allclose(
            together[row], tiny_model(ids, pixel_values=picture).logits[0], atol=1e-4
        )


def test_segments_do_not_see_one_another(tiny_model: MMGPTForConditionalGeneration) -> None:
    first, second = IDS, IDS.flip(1)
    packed = torch.cat([first, second], dim=1)
    segments = torch.tensor([[1] * 7 + [2] * 7])
    logits = tiny_model(packed, pixel_values=PIXELS, segments=segments).logits
    # Rotary positions are relative, so a segment's place in the row changes nothing.
    alone = tiny_model(second, pixel_values=PIXELS).logits
    assert torch.allclose(logits[:, 7:], alone, atol=1e-4)


def test_the_loss_counts_labelled_tokens_alone(tiny_model: MMGPTForConditionalGeneration) -> None:
    labels = torch.full_like(IDS, IGNORED)
    labels[0, 5] = 50
    loss = tiny_model(IDS, labels, pixel_values=PIXELS).loss
    logits = tiny_model(IDS, pixel_values=PIXELS).logits
    expected = -logits[0, 4].log_softmax(dim=-1)[50]
    assert torch.allclose(loss, expected, atol=1e-5)


def test_generate_continues_greedily(tiny_model: MMGPTForConditionalGeneration) -> None:
    made = tiny_model.generate(
        IDS, pixel_values=PIXELS, max_new_tokens=4, min_new_tokens=4, do_sample=False
    )
    ids = IDS
    for _ in range(4):
        scores = tiny_model(ids, pixel_values=PIXELS).logits[:, -1]
        if ids.shape[1] < IDS.shape[1] + 4:
            scores[:, tiny_model.config.eos_token_id] = -torch.inf
        ids = torch.cat([ids, scores.argmax(dim=-1, keepdim=True)], dim=1)
    assert made.tolist() == ids.tolist()


def test_auto_classes_load_what_was_saved(
    tiny_model: MMGPTForConditionalGeneration, tiny_tokenizer: Path, tmp_path: Path
) -> None:
    tiny_model.save_pretrained(tmp_path)
    processor(tiny_tokenizer).save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).cross_attention_layers == (1, 3)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    loaded = AutoProcessor.from_pretrained(tmp_path)
    inputs = loaded(Image.new("RGB", (90, 40), "red"), "Is there a dog?")
    assert inputs["pixel_values"].shape == (1, 3, 256, 256)
    assert inputs["input_ids"][0, 0] == model.config.user_token_id
    assert inputs["input_ids"][0, -1] == model.config.assistant_token_id
    assert torch.allclose(model(IDS).logits, tiny_model(IDS).logits, atol=1e-6)


def test_processor_lays_out_a_conversation(tiny_tokenizer: Path) -> None:
    made = processor(tiny_tokenizer)
    turns = [Message("user", "dog?"), Message("assistant", "yes"), Message("user", "<|end|>")]
    ids = made(text=turns)["input_ids"][0].tolist()
    assert [i for i in ids if i < 4] == [1, 2, 3, 1, 2]  # the typed <|end|> is plain text
    assert made.tokenizer.decode(ids).endswith("<|user|><|end|><|assistant|>")
