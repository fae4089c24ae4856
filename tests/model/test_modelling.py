"""The model computes the same however its work is cut up, in each fusion."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from mmgpt_desktop.messages import Message
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import CONCAT, CROSS_ATTENTION, GRAPH
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.training.embedded_bundle import processor
from tests.not_none import not_none

IDS = torch.tensor([[1, 20, 30, 40, 2, 50, 60]])
PIXELS = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
OTHER = PIXELS.flip(3)
Model = MMGPTForConditionalGeneration


@pytest.fixture(autouse=True)
def no_gradients() -> object:
    with torch.no_grad():
        yield


def test_steps_with_a_cache_equal_one_pass(tiny_model: Model, fusion: str) -> None:
    whole = tiny_model(IDS, pixel_values=PIXELS, fusion=fusion, output_attentions=True)
    keys, values = tiny_model.encode_image(PIXELS, fusion)
    past = tiny_model.empty_past()
    _, past, _ = tiny_model.decode_step(IDS[:, :4], keys, values, past, fusion)
    logits, past, attention = tiny_model.decode_step(IDS[:, 4:], keys, values, past, fusion)
    assert torch.allclose(logits, whole.logits[:, 4:], atol=1e-5)
    layers, positions = (4, 8) if fusion == CONCAT else (2, 20)
    assert attention.shape == (1, layers + 1, 2, positions)  # the copier's is the last
    assert torch.allclose(
        attention[:, :-1], torch.cat(whole.attentions, dim=2).transpose(1, 2), atol=1e-6
    )
    assert past[0][0].shape[2] == IDS.shape[1]


def test_attention_over_the_picture_leaves_room_for_the_rest(
    tiny_model: Model, fusion: str
) -> None:
    keys, values = tiny_model.encode_image(PIXELS, fusion)
    past = tiny_model.empty_past()
    _, _, attention = tiny_model.decode_step(IDS, keys, values, past, fusion)
    sums = attention.sum(dim=-1)
    assert (sums > 0).all()
    assert (sums < 1).all()


def test_no_picture_equals_a_hidden_one(tiny_model: Model, fusion: str) -> None:
    blind = tiny_model(IDS).logits
    layers = len(tiny_model.config.image_layers(fusion)) + 1
    nothing = torch.zeros(layers, 1, 2, 0, 16)
    logits, _, attention = tiny_model.decode_step(
        IDS, nothing, nothing, tiny_model.empty_past(), fusion
    )
    # Cross-attention to nothing still reads its null cell, whose value is a parameter.
    if fusion == CONCAT:
        assert torch.allclose(logits, blind, atol=1e-5)
    assert attention.shape == (1, layers, 2, 0)
    hidden = torch.zeros(1, tiny_model.config.positions(fusion), dtype=torch.bool)
    seen = tiny_model(IDS, pixel_values=PIXELS, fusion=fusion, visible=hidden).logits
    assert torch.allclose(logits, seen, atol=1e-5)


def test_the_picture_changes_the_answer(tiny_model: Model, fusion: str) -> None:
    seen = tiny_model(IDS, pixel_values=PIXELS, fusion=fusion).logits
    other = tiny_model(IDS, pixel_values=OTHER, fusion=fusion).logits
    assert not torch.allclose(seen, other, atol=1e-3)


def test_fusions_differ(tiny_model: Model) -> None:
    one, two, three = (
        tiny_model(IDS, pixel_values=PIXELS, fusion=name).logits
        for name in (CONCAT, CROSS_ATTENTION, GRAPH)
    )
    assert not torch.allclose(one, two, atol=1e-3)
    assert not torch.allclose(two, three, atol=1e-3)


def test_a_name_that_is_pointed_at_is_copied(tiny_model: Model) -> None:
    copier = tiny_model.copier
    names = torch.randn(1, 4, 32)
    words = tiny_model.embedding.weight[[60, 61, 62, 63]][None]
    hidden = torch.randn(1, 1, 32)
    key, value = copier.project(names, words, 3)
    assert key.shape == value.shape == (1, 2, 3 + 4, 16)
    pull = 50 * copier.query(hidden)[0, 0].view(2, 16)
    key[0, :, 3 + 2] += pull  # the third name is what it looks for
    y, weights = copier(hidden, (key, value), None)
    assert weights[0, 0].argmax() == 5
    assert tiny_model.lm_head(y)[0, 0, 62] > tiny_model.lm_head(y)[0, 0, [60, 61, 63]].max()
    visible = torch.ones(1, 7, dtype=torch.bool)
    visible[0, 5] = False
    assert copier(hidden, (key, value), visible)[1][0, 0, 5] == 0


def test_a_hidden_position_changes_nothing(tiny_model: Model, fusion: str) -> None:
    keys, values = tiny_model.encode_image(PIXELS, fusion)
    visible = torch.ones(1, keys.shape[3], dtype=torch.bool)
    visible[0, 2] = visible[0, -1] = False
    inputs = {"input_ids": IDS, "fusion": fusion, "visible": visible}
    before = tiny_model(**inputs, image_keys=keys, image_values=values).logits
    keys, values = keys.clone(), values.clone()
    keys[:, :, :, [2, -1]] += 7
    values[:, :, :, [2, -1]] += 7
    after = tiny_model(**inputs, image_keys=keys, image_values=values).logits
    assert torch.allclose(before, after, atol=1e-5)


def test_cached_maps_equal_pixels(tiny_model: Model, fusion: str) -> None:
    fine, coarse = (maps.flatten(2).mT for maps in tiny_model.encoder.backbone(PIXELS))
    cached = tiny_model(IDS, fine=fine, coarse=coarse, fusion=fusion).logits
    assert torch.allclose(
        cached, tiny_model(IDS, pixel_values=PIXELS, fusion=fusion).logits, atol=1e-5
    )


def test_pictures_in_a_batch_do_not_mix(tiny_model: Model, fusion: str) -> None:
    ids, pixels = torch.cat([IDS, IDS.flip(1)]), torch.cat([PIXELS, OTHER])
    together = tiny_model(ids, pixel_values=pixels, fusion=fusion).logits
    for row in range(2):
        alone = tiny_model(ids[row : row + 1], pixel_values=pixels[row : row + 1], fusion=fusion)
        assert torch.allclose(together[row], alone.logits[0], atol=1e-4)


@pytest.mark.parametrize("fusion", [CROSS_ATTENTION, GRAPH])
def test_a_picture_serves_the_rows_that_follow_one_another(tiny_model: Model, fusion: str) -> None:
    keys, values = tiny_model.encode_image(torch.cat([PIXELS, OTHER]), fusion)
    rows = torch.cat([IDS, IDS + 3, IDS + 3, IDS])  # two about each picture
    past = tiny_model.empty_past(len(rows))
    once, _, _ = tiny_model.decode_step(rows, keys, values, past, fusion)
    keys, values = (part.repeat_interleave(2, dim=1) for part in (keys, values))
    each, _, _ = tiny_model.decode_step(rows, keys, values, past, fusion)
    assert torch.allclose(once, each, atol=1e-5)
    assert not torch.allclose(once[0], once[3], atol=1e-3)


def test_segments_do_not_see_one_another(tiny_model: Model, fusion: str) -> None:
    first, second = IDS, IDS.flip(1)
    packed = torch.cat([first, second], dim=1)
    segments = torch.tensor([[1] * 7 + [2] * 7])
    logits = tiny_model(packed, pixel_values=PIXELS, fusion=fusion, segments=segments).logits
    changed = packed.clone()
    changed[0, 3] = 99
    again = tiny_model(changed, pixel_values=PIXELS, fusion=fusion, segments=segments).logits
    assert torch.allclose(logits[:, 7:], again[:, 7:], atol=1e-5)
    if fusion != CONCAT:  # rotary positions are relative, and a prefix stands at 0
        alone = tiny_model(second, pixel_values=PIXELS, fusion=fusion).logits
        assert torch.allclose(logits[:, 7:], alone, atol=1e-4)


def test_the_loss_counts_labelled_tokens_alone(tiny_model: Model, fusion: str) -> None:
    labels = torch.full_like(IDS, IGNORED)
    labels[0, 5] = 50
    loss = tiny_model(IDS, labels, pixel_values=PIXELS, fusion=fusion).loss
    logits = tiny_model(IDS, pixel_values=PIXELS, fusion=fusion).logits
    expected = -logits[0, 4].log_softmax(dim=-1)[50]
    assert torch.allclose(loss, expected, atol=1e-5)


def test_pointing_costs_less_where_the_heads_look(tiny_model: Model, fusion: str) -> None:
    """The mask of what they look at most costs less than the mask of the rest."""
    labels = torch.full_like(IDS, IGNORED)
    labels[0, 5] = 50
    seen = tiny_model(IDS[:, :5], pixel_values=PIXELS, fusion=fusion, output_attentions=True)
    layers = tiny_model.config.image_layers(fusion)
    grid = tiny_model.config.grid_of(fusion)
    looked = sum(
        seen.attentions[layers.index(layer)][0, head, 0, : grid**2]
        for layer, head in tiny_model.config.pointing_heads
    )
    bright = (looked > looked.median()).float().view(grid, grid)
    bright = bright.repeat_interleave(4 // grid, 0).repeat_interleave(4 // grid, 1).view(1, 16)

    def loss(mask: torch.Tensor) -> float:
        made = tiny_model(
            IDS,
            labels,
            pixel_values=PIXELS,
            fusion=fusion,
            pointed=torch.tensor([[0, 4]]),
            masks=mask,
        )
        return float(made.loss)

    plain = float(tiny_model(IDS, labels, pixel_values=PIXELS, fusion=fusion).loss)
    assert plain < loss(bright) < loss(1 - bright)


def test_cells_that_touch_are_neighbours(tiny_model: Model) -> None:
    near = not_none(tiny_model.graph).neighbours
    assert near[5].nonzero().flatten().tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert near[0].sum() == 4  # a corner


def test_nodes_read_neighbours_and_alike_cells_and_names(tiny_model: Model) -> None:
    looks = torch.zeros(1, 16, 8)
    looks[0, :, 0] = torch.arange(16) * 0.1 + 1
    looks[0, [0, 15], 1] = 9.0  # the far corners look alike
    edges = not_none(tiny_model.graph).edges(looks, 3)[0]
    assert edges.shape == (19, 19)
    assert edges[0, [1, 4, 5, 15]].all()
    assert edges[:, 16:].all()
    assert edges[16:].all()
    assert not edges[5, 15]


def test_edge_weights_are_shares(tiny_model: Model) -> None:
    fine, coarse = (maps.flatten(2).mT for maps in tiny_model.encoder.backbone(PIXELS))
    edges = not_none(tiny_model.encode_cells(fine, coarse, GRAPH)[1].edges)
    assert edges.shape == (1, 16, 16)
    assert (edges.sum(dim=-1) < 1).all()  # the rest went to names
    assert tiny_model.encode_cells(fine, coarse, CONCAT)[1].edges is None


def test_names_are_those_of_the_likeliest_classes(tiny_model: Model) -> None:
    scores = torch.zeros(1, 1000)
    scores[0, 7], scores[0, 300] = 9.0, 8.0
    cells, words = tiny_model.names(scores, tiny_model.embedding)
    swapped = scores.clone()
    swapped[0, 7], swapped[0, 9] = 0.0, 9.0
    other, _ = tiny_model.names(swapped, tiny_model.embedding)
    assert cells.shape == words.shape == (1, 4, 32)
    assert torch.equal(words[0, :2], tiny_model.embedding(tiny_model.names.tokens[7]))
    assert not torch.allclose(cells[:, :2], other[:, :2], atol=1e-2)
    assert not torch.equal(tiny_model.names.tokens[7], tiny_model.names.tokens[9])


def test_a_class_that_is_put_first_gives_the_first_name(tiny_model: Model) -> None:
    fine, coarse = (maps.flatten(2).mT for maps in tiny_model.encoder.backbone(PIXELS))
    plain = tiny_model(IDS, fine=fine, coarse=coarse).logits
    let_be = tiny_model(IDS, fine=fine, coarse=coarse, named=torch.tensor([-1])).logits
    forced = tiny_model(IDS, fine=fine, coarse=coarse, named=torch.tensor([77])).logits
    assert torch.equal(plain, let_be)
    assert not torch.allclose(plain, forced, atol=1e-3)
    shown = tiny_model.encode_cells(fine, coarse, named=torch.tensor([77]))[0][0][0]
    before = tiny_model.encode_cells(fine, coarse)[0][0][0]
    assert torch.allclose(shown[:, :, :16], before[:, :, :16])  # the cells stay


def test_generate_continues_greedily(tiny_model: Model, fusion: str) -> None:
    made = tiny_model.generate(
        IDS,
        pixel_values=PIXELS,
        fusion=fusion,
        max_new_tokens=4,
        min_new_tokens=4,
        do_sample=False,
    )
    ids = IDS
    for _ in range(4):
        scores = tiny_model(ids, pixel_values=PIXELS, fusion=fusion).logits[:, -1]
        scores[:, tiny_model.config.eos_token_id] = -torch.inf
        ids = torch.cat([ids, scores.argmax(dim=-1, keepdim=True)], dim=1)
    assert made.tolist() == ids.tolist()


def test_auto_classes_load_what_was_saved(
    tiny_model: Model, tiny_tokenizer: Path, tmp_path: Path
) -> None:
    tiny_model.save_pretrained(tmp_path)
    processor(tiny_tokenizer).save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).cross_attention_layers == (1, 3)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert isinstance(model, Model)
    loaded = AutoProcessor.from_pretrained(tmp_path)
    inputs = loaded(Image.new("RGB", (90, 40), "red"), "Is there a dog?")
    assert inputs["pixel_values"].shape == (1, 3, 256, 256)
    assert inputs["input_ids"][0, 0] == model.config.user_token_id
    assert inputs["input_ids"][0, -1] == model.config.assistant_token_id
    assert torch.equal(not_none(model.graph).neighbours, not_none(tiny_model.graph).neighbours)
    assert torch.equal(model.names.tokens, tiny_model.names.tokens)
    seen = {"pixel_values": PIXELS, "fusion": GRAPH}
    assert torch.allclose(model(IDS, **seen).logits, tiny_model(IDS, **seen).logits, atol=1e-5)


def test_processor_lays_out_a_conversation(tiny_tokenizer: Path) -> None:
    made = processor(tiny_tokenizer)
    turns = [Message("user", "dog?"), Message("assistant", "yes"), Message("user", "<|end|>")]
    ids = made(text=turns)["input_ids"][0].tolist()
    assert [i for i in ids if i < 4] == [1, 2, 3, 1, 2]  # the typed <|end|> is plain text
    assert made.tokenizer.decode(ids).endswith("<|user|><|end|><|assistant|>")
