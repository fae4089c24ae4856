"""Every method finds what was planted, and nothing where nothing was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import Cancelled, NotAvailable
from mmgpt_desktop.methods import Method
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.attribution import attention_numbers, explain
from mmgpt_desktop.model.configuration import CONCAT, CROSS_ATTENTION, FUSIONS, GRAPH
from mmgpt_desktop.model.token_activation import without_context
from mmgpt_desktop.model.trace import trace
from mmgpt_desktop.model.written_answer import WrittenAnswer
from tests.planted import PLAIN, PROMPT, WORD, grid_of, picture, planted_model

Model = MMGPTForConditionalGeneration
ANSWER = (PLAIN, WORD, PLAIN, WORD)
PIXELS = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
IDS, WRITTEN = (1, 20, 30, 2), (50, 60, 50)
RED, BLUE = 3, 1


def explained(
    model: Model,
    method: Method,
    pixels: Tensor,
    prompt: Sequence[int],
    answer: Sequence[int],
    fusion: str,
    cancel: CancelToken | None = None,
) -> NDArray[np.float32]:
    return explain(
        method, WrittenAnswer(model, pixels, prompt, answer, fusion, cancel or CancelToken())
    )


def maps_of(
    model: Model, method: Method, fusion: str, pixels: Tensor | None = None
) -> NDArray[np.float32]:
    """[token, cell] of ANSWER."""
    pixels = picture(fusion, red=RED, blue=BLUE) if pixels is None else pixels
    maps = explained(model, method, pixels, PROMPT, ANSWER, fusion)
    assert maps.shape == (len(ANSWER), grid_of(fusion), grid_of(fusion))
    assert maps.dtype == np.float32
    assert not maps.flags.writeable
    return maps.reshape(len(ANSWER), -1)


@pytest.fixture(scope="module")
def plain() -> Model:
    return planted_model()


def probability(model: Model, pixels: Tensor, fusion: str) -> float:
    with torch.no_grad():
        logits = model(torch.tensor([PROMPT]), pixel_values=pixels, fusion=fusion).logits
    return float(logits[0, -1].softmax(dim=0)[WORD])


@pytest.mark.parametrize("relay", [False, True])
def test_the_planted_word_needs_its_cell(relay: bool, fusion: str) -> None:
    model = planted_model(relay=relay)
    assert probability(model, picture(fusion, red=RED, blue=BLUE), fusion) > 0.9
    assert probability(model, picture(fusion, blue=BLUE), fusion) < 0.2
    assert probability(planted_model(blind=True), picture(fusion, red=RED), fusion) < 0.2


def test_rollout_and_relevancy_find_the_cell_wherever_it_lies(plain: Model, fusion: str) -> None:
    for method in (Method.ROLLOUT, Method.RELEVANCY):
        for red in range(grid_of(fusion) ** 2):
            maps = explained(plain, method, picture(fusion, red=red), PROMPT, (WORD,), fusion)
            assert maps.argmax() == red, (method, red)
            assert maps.max() > 3 * np.sort(maps, axis=None)[-2], (method, red)


def test_token_activation_finds_the_cell_wherever_it_lies(plain: Model) -> None:
    for red in range(grid_of(CONCAT) ** 2):
        maps = maps_of(plain, Method.TAM, CONCAT, picture(CONCAT, red=red))
        assert maps[1].argmax() == maps[3].argmax() == red


@pytest.mark.parametrize("method", [Method.ROLLOUT, Method.RELEVANCY])
def test_what_an_earlier_position_saw_is_followed(method: Method, fusion: str) -> None:
    maps = maps_of(planted_model(relay=True), method, fusion)
    assert maps[1].argmax() == RED
    assert maps[1, RED] > 1.5 * np.delete(maps[1], RED).max()


def test_relevancy_is_not_misled_by_what_is_looked_at_for_nothing(fusion: str) -> None:
    model = planted_model(decoy=True)
    rolled = maps_of(model, Method.ROLLOUT, fusion)[1]
    assert rolled[BLUE] == pytest.approx(rolled[RED], rel=0.2)  # it counts what was read
    relevant = maps_of(model, Method.RELEVANCY, fusion)[1]
    assert relevant.argmax() == RED
    assert relevant[RED] > 20 * relevant[BLUE]


@pytest.mark.parametrize("method", [Method.ROLLOUT, Method.RELEVANCY])
def test_what_a_cell_fetched_from_another_is_followed(method: Method) -> None:
    red, blue = 9, 10  # neighbours
    pixels = picture(GRAPH, red=red, blue=blue)
    maps = maps_of(planted_model(carry=True), method, GRAPH, pixels)[1]
    assert set(np.argsort(maps)[-2:]) == {red, blue}
    assert maps[red] > 1.5 * np.sort(maps)[-3]


def test_no_cell_is_relevant_to_a_model_that_ignores_them(fusion: str) -> None:
    assert not maps_of(planted_model(blind=True), Method.RELEVANCY, fusion).any()


def test_a_blind_model_has_no_token_activations() -> None:
    assert not maps_of(planted_model(blind=True), Method.TAM, CONCAT).any()


def test_earlier_tokens_activations_are_taken_away() -> None:
    own = torch.tensor([3.0, 2.0, 0.0, 0.0])
    earlier = torch.tensor([[5.0, 0.0, 0.0, 0.0], [0.0, 9.0, 0.0, 0.0]])
    nearness = torch.tensor([0.7, 0.0])
    cleaned = without_context(own, earlier, nearness)
    assert cleaned.tolist() == pytest.approx([0, 2, 0, 0], abs=1e-5)
    assert without_context(own, earlier, torch.zeros(2)) is own
    assert without_context(own, torch.zeros(2, 4), nearness).tolist() == own.tolist()


@pytest.mark.parametrize("fusion", [CROSS_ATTENTION, GRAPH])
def test_token_activation_needs_cells_that_pass_the_decoder(plain: Model, fusion: str) -> None:
    with pytest.raises(NotAvailable, match="needs a model whose decoder"):
        maps_of(plain, Method.TAM, fusion)


@pytest.mark.parametrize("method", [Method.ROLLOUT, Method.RELEVANCY, Method.TAM])
def test_an_answer_that_was_not_written_has_no_maps(plain: Model, method: Method) -> None:
    maps = explained(plain, method, picture(CONCAT), PROMPT, (), CONCAT)
    assert maps.shape == (0, grid_of(CONCAT), grid_of(CONCAT))


def test_a_method_without_a_model_is_refused(plain: Model) -> None:
    with pytest.raises(ValueError, match="needs no model"):
        maps_of(plain, Method.MEAN, CONCAT)


@pytest.mark.parametrize("method", [Method.ROLLOUT, Method.RELEVANCY])
def test_a_map_depends_on_the_tokens_before_it_alone(
    tiny_model: Model, method: Method, fusion: str
) -> None:
    whole = explained(tiny_model, method, PIXELS, IDS, WRITTEN, fusion)
    begun = explained(tiny_model, method, PIXELS, IDS, WRITTEN[:2], fusion)
    assert whole[:2] == pytest.approx(begun, abs=1e-4)
    assert np.isfinite(whole).all()
    assert (whole >= 0).all()
    assert not np.allclose(whole[0], whole[2]), "a repeated word keeps its own map"


def test_text_reads_a_layer_of_the_prefix_before_it_is_mixed(tiny_model: Model) -> None:
    with torch.no_grad():
        looks = {fusion: trace(tiny_model, PIXELS, IDS, fusion).attentions for fusion in FUSIONS}
    by_text = {fusion: [look.rows.start > 0 for look in looks[fusion]] for fusion in FUSIONS}
    assert by_text[CONCAT] == [True, False] * 4
    assert by_text[CROSS_ATTENTION] == [True] * 6  # four on text, two of them on the picture too
    assert by_text[GRAPH] == [False] * 2 + [True] * 6
    for look in (*looks[CONCAT], *looks[GRAPH]):
        rows = look.weights.sum(dim=-1)
        assert torch.allclose(rows, torch.ones_like(rows), atol=1e-5)


def test_rollout_shares_out_what_is_one(tiny_model: Model, fusion: str) -> None:
    sums = explained(tiny_model, Method.ROLLOUT, PIXELS, IDS, WRITTEN, fusion).sum(axis=(1, 2))
    assert (sums > 0).all()
    assert (sums < 1).all()  # the rest went to names, text and null cell


def test_relevancy_takes_gradients_where_none_are_taken(tiny_model: Model) -> None:
    with torch.no_grad():
        quiet = explained(tiny_model, Method.RELEVANCY, PIXELS, IDS, WRITTEN, GRAPH)
    assert quiet.any()
    assert all(parameter.grad is None for parameter in tiny_model.parameters())


class AtSecondToken(CancelToken):
    """Cancelled after the pass through the model and one token more."""

    looks = 0

    def raise_if_cancelled(self) -> None:
        self.looks += 1
        if self.looks == 3:
            self.cancel()
        super().raise_if_cancelled()


@pytest.mark.parametrize("method", [Method.RELEVANCY, Method.TAM])
def test_cancelling_stops_between_tokens_and_leaves_nothing(
    tiny_model: Model, method: Method
) -> None:
    cancel = AtSecondToken()
    with pytest.raises(Cancelled):
        explained(tiny_model, method, PIXELS, IDS, WRITTEN, CONCAT, cancel)
    assert cancel.looks == 3
    assert not any(module._forward_hooks for module in tiny_model.modules())


def test_the_numbers_of_a_head_give_its_weights(tiny_model: Model, fusion: str) -> None:
    layers = range(len(tiny_model.config.image_layers(fusion)))
    keys, values = tiny_model.encode_image(PIXELS, fusion)
    ids = torch.tensor([[*IDS, *WRITTEN[:1]]])
    _, _, attention = tiny_model.decode_step(ids, keys, values, tiny_model.empty_past(), fusion)
    for layer in layers:
        answer = WrittenAnswer(tiny_model, PIXELS, IDS, WRITTEN, fusion, CancelToken())
        numbers = attention_numbers(answer, token=1, layer=layer, head=1, count=3)
        cells = attention[0, layer, 1, : tiny_model.config.grid_of(fusion) ** 2]
        assert numbers.weights == pytest.approx(cells.topk(3).values.detach().numpy(), abs=1e-6)
        assert numbers.weights == pytest.approx(cells.detach().numpy()[numbers.cells], abs=1e-6)
        width = numbers.query.shape[0]
        assert numbers.scores == pytest.approx(numbers.keys @ numbers.query / width**0.5, abs=1e-5)
        found = np.exp(numbers.scores) / numbers.denominator
        assert found == pytest.approx(numbers.weights, rel=1e-4)
        assert numbers.rest + numbers.weights.sum() == pytest.approx(1, abs=1e-6)
        assert numbers.keys.shape == numbers.values.shape == (3, width)
        kept = keys[layer, 0, 1].detach().numpy()[numbers.cells]
        assert numbers.keys == pytest.approx(kept, abs=1e-6)


def test_a_head_that_looks_at_one_cell_puts_out_its_value(plain: Model, fusion: str) -> None:
    pixels = picture(fusion, red=RED, blue=BLUE)
    answer = WrittenAnswer(plain, pixels, PROMPT, ANSWER, fusion, CancelToken())
    numbers = attention_numbers(answer, token=1, layer=0, head=0, count=1)
    assert numbers.cells.tolist() == [RED]
    assert numbers.weights[0] > 0.9
    assert numbers.output == pytest.approx(numbers.weights[0] * numbers.values[0], abs=0.1)
