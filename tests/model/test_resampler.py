"""Text reads a resampler's latents; heatmaps are over cells all the same."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmgpt_desktop.attention.answer_maps import MapChoice
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.folder.bundle import Certainty, open_bundle
from mmgpt_desktop.engine.occlusion import Hiding
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import Encoded
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import NotAvailable
from mmgpt_desktop.messages import (
    Explanation,
    GenerationRequest,
    Message,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.model import MMGPTConfig, MMGPTForConditionalGeneration
from mmgpt_desktop.model.attribution import attention_numbers, explain
from mmgpt_desktop.model.configuration import CONCAT, CROSS_ATTENTION, FUSIONS, GRAPH
from mmgpt_desktop.model.fusion import over_cells
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.model.written_answer import WrittenAnswer
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.training.embedded_bundle import build_bundle
from mmgpt_desktop.training.head_scores import HeadScores
from mmgpt_desktop.training.parity import compare_photos
from tests.families.checkpoints import noise_photo
from tests.model.conftest import random_model, tiny_config
from tests.not_none import not_none
from tests.planted import PLAIN, PROMPT, WORD, grid_of, picture, planted_model

LATENTS, CELLS, NAMES = 3, 16, 4
LOOKING = (GRAPH, CROSS_ATTENTION)
IDS = torch.tensor([[1, 20, 30, 40, 2, 50, 60]])
PIXELS = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
CANCEL = CancelToken()
Model = MMGPTForConditionalGeneration


@pytest.fixture(scope="module")
def model() -> Model:
    return random_model(tiny_config(LATENTS))


@pytest.fixture(scope="module")
def bundle(model: Model, tiny_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "resampled"
    config = tiny_config(LATENTS)
    config.fusions = LOOKING  # one decoder reads cells and latents
    kept = Model(config)
    kept.load_state_dict(model.state_dict(), strict=False)
    kept.eval()
    heads = dict.fromkeys(LOOKING, HeadScores([[0.1, 0.4], [0.3, 0.2]], 0.05, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        build_bundle(kept, tiny_tokenizer, heads, Certainty(1.0, 0.3, 0.2), folder)
    return folder


def test_the_shipped_model_has_none() -> None:
    config = MMGPTConfig.from_pretrained(mini_path())
    assert config.resampler_latents == 0
    assert not any(config.resampled(fusion) for fusion in FUSIONS)
    assert [config.places(fusion) for fusion in FUSIONS] == [64, 256, 256]


@torch.no_grad()
def test_the_other_fusions_are_as_without_it(model: Model) -> None:
    plain = Model(tiny_config()).eval()
    missing, unexpected = plain.load_state_dict(model.state_dict(), strict=False)
    assert not missing
    assert all(name.startswith("resampler.") for name in unexpected)
    for fusion in FUSIONS:
        ours, theirs = (
            each(IDS, pixel_values=PIXELS, fusion=fusion).logits for each in (model, plain)
        )
        assert torch.equal(ours, theirs) is (fusion != CROSS_ATTENTION)


@torch.no_grad()
def test_latents_read_the_cells_and_text_reads_the_latents(model: Model) -> None:
    image, mixed = model.encode_pixels(PIXELS, CROSS_ATTENTION)
    assert {tuple(key.shape) for key, _ in image} == {(1, 2, LATENTS + NAMES, 16)}
    assert mixed.edges is None
    assert mixed.reading is not None
    assert mixed.reading.shape == (1, LATENTS, CELLS)
    assert torch.allclose(mixed.reading.sum(dim=-1), torch.ones(1, LATENTS))
    assert (mixed.reading[0, 0] - mixed.reading[0, 1]).abs().max() > 1e-3, "each in its own way"
    for fusion in (GRAPH, CONCAT):
        assert model.encode_pixels(PIXELS, fusion)[1].reading is None


@torch.no_grad()
def test_pictures_in_a_batch_do_not_mix(model: Model) -> None:
    pixels = torch.cat([PIXELS, PIXELS.flip(3)])
    together = model(IDS.repeat(2, 1), pixel_values=pixels, fusion=CROSS_ATTENTION).logits
    for row in range(2):
        alone = model(IDS, pixel_values=pixels[row : row + 1], fusion=CROSS_ATTENTION).logits
        assert torch.allclose(together[row], alone[0], atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


@torch.no_grad()
def test_hidden_latents_are_no_picture(model: Model) -> None:
    hidden = torch.zeros(1, model.config.positions(CROSS_ATTENTION), dtype=torch.bool)
    seen = model(IDS, pixel_values=PIXELS, fusion=CROSS_ATTENTION, visible=hidden).logits
    nothing = torch.zeros(3, 1, 2, 0, 16)
    blind = model.decode_step(IDS, nothing, nothing, model.empty_past(), CROSS_ATTENTION)[0]
    assert torch.allclose(seen, blind, atol=1e-5)


def test_a_words_weights_over_the_cells_sum_to_those_over_the_latents(
    model: Model, bundle: Path
) -> None:
    runtime = TorchRuntime(open_bundle(bundle))
    encoded = runtime.encode(PIXELS.numpy(), CROSS_ATTENTION, CANCEL)
    bare = Encoded(encoded.fusion, encoded.keys, encoded.values)
    ids = IDS[0].tolist()
    ours, raw = (
        runtime.decode(ids, each, None, attention=True, cancel=CANCEL).attention
        for each in (encoded, bare)
    )
    assert ours is not None
    assert raw is not None
    assert ours.shape == (3, 2, CELLS + NAMES)
    assert raw.shape == (3, 2, LATENTS + NAMES)
    assert ours[..., :CELLS].sum(axis=-1) == pytest.approx(raw[..., :LATENTS].sum(-1), abs=1e-6)
    assert (ours[..., CELLS:] == raw[..., LATENTS:]).all()
    assert encoded.reading is not None
    by_hand = sum(raw[1, 0, latent] * encoded.reading[latent, 5] for latent in range(LATENTS))
    assert ours[1, 0, 5] == pytest.approx(by_hand, abs=1e-6)
    weights, reading = torch.from_numpy(raw), torch.from_numpy(encoded.reading)
    assert over_cells(weights, CELLS, reading).numpy() == pytest.approx(ours[..., :CELLS])


@pytest.mark.parametrize("picture", [True, False])
@pytest.mark.parametrize("chunks", [[7], [4, 3]])
def test_the_graphs_equal_the_model(bundle: Path, chunks: list[int], picture: bool) -> None:
    opened, results = open_bundle(bundle), []
    for runtime in (OnnxRuntime(opened, RuntimeName.ONNX_CPU), TorchRuntime(opened)):
        encoded = runtime.encode(PIXELS.numpy() if picture else None, CROSS_ATTENTION, CANCEL)
        feed, cache = IDS[0].tolist(), None
        for size in chunks:
            result = runtime.decode(feed[:size], encoded, cache, attention=True, cancel=CANCEL)
            feed, cache = feed[size:], result.cache
        results.append((result, encoded))
        assert runtime.edges(PIXELS.numpy(), CROSS_ATTENTION, CANCEL) is None
    (ours, one), (theirs, other) = results
    assert np.abs(ours.logits - theirs.logits).max() < 1e-3
    assert not_none(ours.attention).shape == (3, 2, CELLS + NAMES if picture else 0)
    assert np.allclose(not_none(ours.attention), not_none(theirs.attention), atol=1e-4)
    if picture:
        assert np.allclose(not_none(one.reading), not_none(other.reading), atol=1e-4)
        assert not_none(one.reading).sum(axis=-1) == pytest.approx(1, abs=1e-5)


def test_answers_and_attention_of_each_fusion_are_the_same(bundle: Path, tmp_path: Path) -> None:
    Image.fromarray(noise_photo(60, 50).pixels).save(tmp_path / "photo.png")
    found = compare_photos([tmp_path / "photo.png"], bundle)
    assert [parity.fusion for parity in found] == list(LOOKING)
    assert all(parity.identical == 1 and parity.attention < 1e-3 for parity in found)


def test_the_engine_answers_explains_and_hides(bundle: Path) -> None:
    engine, steps = BundleEngine(bundle, RuntimeName.ONNX_CPU), list[TokenStep]()
    engine.load()
    photo, sampling = noise_photo(60, 50), Sampling(max_new_tokens=3)
    request = GenerationRequest(
        1, (photo,), (Message("user", "A dog?"),), sampling, fusion=CROSS_ATTENTION
    )
    assert engine.generate(request, CANCEL, steps.append).kind == "done"
    attention = steps[0].attention
    assert attention is not None
    assert attention.weights.shape == (2, 2, CELLS)
    assert 0 < attention.weights.sum(axis=-1, dtype=np.float32).mean() + attention.elsewhere < 1
    asked = Explanation(request, (40, 41))
    for method in (Method.ROLLOUT, Method.RELEVANCY):
        assert engine.find_maps(asked, MapChoice(method), ()).weights.any()
    with pytest.raises(NotAvailable, match="reads latents"):
        engine.numbers(asked, 1, 0, 0, CANCEL)
    score = engine.rescorer(asked, CANCEL, Hiding.MEAN)
    hidden = np.zeros((4, 4), np.bool_)
    hidden[:2] = True
    assert np.abs(score(hidden) - score.nothing_hidden()).max() > 1e-4
    engine.close()


def reading_of(
    model: MMGPTForConditionalGeneration, pixels: torch.Tensor, answer: tuple[int, ...]
) -> WrittenAnswer:
    return WrittenAnswer(model, pixels, PROMPT, answer, CROSS_ATTENTION, CANCEL)


def test_maps_find_the_cell_that_the_latents_read() -> None:
    model = planted_model(latents=2)
    side = grid_of(CROSS_ATTENTION)
    ids = torch.tensor([PROMPT])
    for red in range(side**2):
        pixels = picture(CROSS_ATTENTION, red=red, blue=(red + 5) % side**2)
        with torch.no_grad():
            made = model(ids, pixel_values=pixels, fusion=CROSS_ATTENTION, output_attentions=True)
            reading = model.encode_pixels(pixels, CROSS_ATTENTION)[1].reading
        assert made.logits[0, -1].softmax(dim=0)[WORD] > 0.9
        looked = over_cells(made.attentions[0], side**2, reading)
        assert (looked.argmax(dim=-1) == red).all()
        for method in (Method.ROLLOUT, Method.RELEVANCY):
            maps = explain(method, reading_of(model, pixels, (PLAIN, WORD)))
            assert maps[1].argmax() == red, (method, red)
            assert maps[1].max() > 3 * np.sort(maps[1], axis=None)[-2], (method, red)


def test_latents_that_are_not_used_make_no_cell_relevant() -> None:
    model, pixels = planted_model(blind=True, latents=2), picture(CROSS_ATTENTION, red=3)
    assert not explain(Method.RELEVANCY, reading_of(model, pixels, (WORD,))).any()


def test_numbers_of_a_head_are_of_cells_alone(model: Model) -> None:
    crossed, graph = (
        WrittenAnswer(model, PIXELS, tuple(IDS[0].tolist()), (50,), fusion, CANCEL)
        for fusion in (CROSS_ATTENTION, GRAPH)
    )
    with pytest.raises(NotAvailable, match="reads latents"):
        attention_numbers(crossed, token=0, layer=0, head=0)
    found = attention_numbers(graph, token=0, layer=0, head=0)
    assert len(found.cells) == 5


def test_pointing_costs_less_where_the_latents_read(model: Model) -> None:
    labels = torch.full_like(IDS, IGNORED)
    labels[0, 5] = 50

    def loss(mask: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = model(
            IDS,
            labels,
            pixel_values=PIXELS,
            fusion=CROSS_ATTENTION,
            pointed=torch.tensor([[0, 4]]),
            masks=mask[None],
        ).loss
        return made

    cells = torch.eye(CELLS)
    costs = torch.stack([loss(cell) for cell in cells])
    assert costs.max() > costs.min()
    best = cells[costs.argmin()]
    model.zero_grad()
    loss(best).backward()
    assert model.resampler is not None
    for name, parameter in model.resampler.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
    model.zero_grad()
    shares = model(
        IDS[:, :5], pixel_values=PIXELS, fusion=CROSS_ATTENTION, output_attentions=True
    ).attentions
    reading = model.encode_pixels(PIXELS, CROSS_ATTENTION)[1].reading
    looked = [
        over_cells(shares[place][:, head], CELLS, reading)[0, 0]
        for place, (_, head) in enumerate(model.config.pointing_heads)
    ]
    assert costs.argmin() == (looked[0] * looked[1]).argmax()


def test_a_model_without_one_can_be_given_one(tiny_model: Model, tmp_path: Path) -> None:
    tiny_model.save_pretrained(tmp_path)
    given = Model.from_pretrained(tmp_path, resampler_latents=5)
    assert given.resampler is not None
    assert given.resampler.latents.shape == (5, 32)
    assert given.resampler.latents.std() > 0.5
    for name, parameter in given.resampler.named_parameters():
        if "norm" in name:
            assert (parameter == 1).all(), name
        assert parameter.isfinite().all(), name
    same = given.state_dict()
    assert all(torch.equal(same[name], each) for name, each in tiny_model.state_dict().items())
