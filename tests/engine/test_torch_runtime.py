"""PyTorch behind the same protocol, with a small untrained model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.runtime import Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import AppError, Cancelled, NotAvailable, RuntimeFailure
from mmgpt_desktop.messages import (
    CellMaps,
    Explanation,
    Found,
    GenerationRequest,
    Message,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.model.configuration import MMGPTConfig
from mmgpt_desktop.model.modelling import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import save_packed
from mmgpt_desktop.model.written_answer import WrittenAnswer
from tests.fakes import ENCODED, FakeRuntime, make_photo
from tests.tiny_bundle import FUSIONS, make_tiny_bundle, manifest, read_manifest, write_manifest

SIDE, ROWS, HEADS, WIDTH, LAYERS, LOOKING = 256, 16, 2, 16, 2, 1
PIXELS = np.linspace(-1, 1, 3 * SIDE * SIDE, dtype=np.float32).reshape(1, 3, SIDE, SIDE)
PROMPT = (1, 40, 41, 42, 2)
SIZES = {
    "graph": (LOOKING, ROWS),
    "cross_attention": (LOOKING, ROWS),
    "concat": (LAYERS, ROWS // 2),
}
NAMES = MMGPTConfig().name_cells


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tiny_bundle(tmp_path_factory.mktemp("torch") / "small")
    vocabulary = read_manifest(folder)["decoder"]["vocabulary"]
    torch.manual_seed(0)
    config = MMGPTConfig(
        vocab_size=vocabulary,
        hidden_size=HEADS * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        graph_heads=HEADS,
    )
    save_packed(MMGPTForConditionalGeneration(config).eval(), folder)
    about = manifest(folder, vocabulary)
    about["image"]["size"] = SIDE
    about["decoder"] |= {"layers": LAYERS, "head_dim": WIDTH}
    for name, (layers, rows) in SIZES.items():
        about["fusions"][name] |= {"image_layers": layers, "grid": {"rows": rows, "columns": rows}}
        about["fusions"][name]["attention"]["heads"] = [[0, 1]]
    write_manifest(folder, about)
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return open_bundle(folder)


@pytest.fixture(scope="module")
def runtime(bundle: Bundle) -> TorchRuntime:
    return TorchRuntime(bundle)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_shapes_of_a_run(bundle: Bundle, runtime: TorchRuntime, fusion: str) -> None:
    cancel = CancelToken()
    encoded = runtime.encode(PIXELS, fusion, cancel)
    layers, rows = SIZES[fusion]
    places = rows**2 + NAMES
    assert encoded.fusion == fusion
    assert encoded.keys.shape == encoded.values.shape == (layers + 1, 1, HEADS, places, WIDTH)
    result = runtime.decode(PROMPT, encoded, None, attention=True, cancel=cancel)
    assert result.logits.shape == (bundle.manifest.decoder.vocabulary,)
    assert result.attention is not None
    assert result.attention.shape == (layers + 1, HEADS, places)
    assert not runtime.decode(PROMPT, encoded, None, attention=False, cancel=cancel).attention


def test_the_graph_has_edges_and_the_others_none(runtime: TorchRuntime) -> None:
    edges = runtime.edges(PIXELS, "graph", CancelToken())
    assert edges is not None
    assert edges.shape == (ROWS**2, ROWS**2)
    assert edges.dtype == np.float32
    assert (edges.sum(axis=1) <= 1 + 1e-5).all(), "the names take their part"
    assert runtime.edges(PIXELS, "concat", CancelToken()) is None


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("pixels", [PIXELS, None])
def test_steps_through_the_cache_equal_one_prefill(
    runtime: TorchRuntime, pixels: np.ndarray | None, fusion: str
) -> None:
    cancel = CancelToken()
    encoded = runtime.encode(pixels, fusion, cancel)
    whole = runtime.decode(PROMPT, encoded, None, attention=True, cancel=cancel)
    cache = runtime.decode(PROMPT[:3], encoded, None, attention=False, cancel=cancel).cache
    cache = runtime.decode(PROMPT[3:4], encoded, cache, attention=False, cancel=cancel).cache
    last = runtime.decode(PROMPT[4:], encoded, cache, attention=True, cancel=cancel)
    scores = runtime.score(PROMPT, encoded, cancel)
    assert scores[-1] == pytest.approx(whole.logits, abs=1e-5)
    first = runtime.decode(PROMPT[:1], encoded, None, attention=False, cancel=cancel)
    assert scores[0] == pytest.approx(first.logits, abs=1e-5)
    assert last.logits == pytest.approx(whole.logits, abs=1e-5)
    assert last.attention == pytest.approx(whole.attention, abs=1e-5)


def test_the_engine_answers_with_it(folder: Path) -> None:
    engine = BundleEngine(folder, RuntimeName.TORCH)
    engine.load()
    steps: list[TokenStep] = []
    request = GenerationRequest(
        1, (make_photo(40, 30),), (Message("user", "A dog?"),), Sampling(max_new_tokens=3)
    )
    outcome = engine.generate(request, CancelToken(), steps.append)
    assert (outcome.kind, outcome.error) == ("done", None)
    assert (engine.runtime.runtime, engine.runtime.provider) == (RuntimeName.TORCH, "cpu")
    assert all(step.attention is not None for step in steps)
    edges = engine.edges(make_photo(40, 30), CancelToken())
    assert edges is not None
    assert edges.weights.shape == (edges.grid.cells, edges.grid.cells)
    engine.close()


@pytest.mark.parametrize("choice", [RuntimeName.TORCH, RuntimeName.ONNX_CPU])
def test_the_engine_explains_with_it_whatever_answers(folder: Path, choice: RuntimeName) -> None:
    def make(name: RuntimeName, bundle: Bundle) -> Runtime:
        return TorchRuntime(bundle) if name is RuntimeName.TORCH else FakeRuntime()

    engine = BundleEngine(folder, choice, make)
    engine.load()
    photo, tokens = make_photo(40, 30), (40, 41, 42)
    request = GenerationRequest(1, (photo,), (Message("user", "A dog?"),), fusion="graph")
    what, cancel, found = Explanation(request, tokens), CancelToken(), list[Found]()
    for method in (Method.ROLLOUT, Method.RELEVANCY):
        engine.explain(what, method, cancel, found.append)
        maps = found.pop()
        assert isinstance(maps, CellMaps)
        assert (maps.method, maps.done) == (method, 1.0)
        assert maps.weights.shape == (len(tokens), maps.grid.rows, maps.grid.columns)
    with pytest.raises(NotAvailable):
        engine.explain(what, Method.TAM, cancel, found.append)
    numbers = engine.numbers(what, 1, 0, 1, cancel)
    assert numbers.query.shape == (WIDTH,)
    bare = Explanation(replace(request, images=()), tokens)
    with pytest.raises(AppError, match="without a picture"):
        engine.explain(bare, Method.ROLLOUT, cancel, found.append)
    cancel.cancel()
    with pytest.raises(Cancelled):
        engine.explain(what, Method.ROLLOUT, cancel, found.append)
    engine.close()


def test_transformers_generate_can_be_timed(runtime: TorchRuntime) -> None:
    for attention in (False, True):
        assert runtime.time_generate(PIXELS, "concat", PROMPT, 2, attention=attention) > 0


def written(runtime: TorchRuntime, fusion: str, cancel: CancelToken | None = None) -> WrittenAnswer:
    return runtime.written(PIXELS, PROMPT, (40, 41), fusion, cancel or CancelToken())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_answer_is_explained(runtime: TorchRuntime, fusion: str) -> None:
    for method in (Method.ROLLOUT, Method.RELEVANCY):
        maps = runtime.explain(method, written(runtime, fusion))
        assert maps.shape == (2, *(SIZES[fusion][1],) * 2)
        assert maps.any()


def test_a_map_that_cant_be_had_is_said(runtime: TorchRuntime) -> None:
    with pytest.raises(NotAvailable, match="needs a model whose decoder"):
        runtime.explain(Method.TAM, written(runtime, "graph"))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_heads_numbers_are_those_of_its_attention(runtime: TorchRuntime, fusion: str) -> None:
    cancel = CancelToken()
    numbers = runtime.attention_numbers(written(runtime, fusion), token=1, layer=0, head=1)
    encoded = runtime.encode(PIXELS, fusion, cancel)
    seen = runtime.decode((*PROMPT, 40), encoded, None, attention=True, cancel=cancel).attention
    assert seen is not None
    assert numbers.weights == pytest.approx(seen[0, 1, numbers.cells], abs=1e-6)


def test_a_cancelled_token_starts_no_run(runtime: TorchRuntime) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        runtime.encode(PIXELS, "graph", cancel)
    with pytest.raises(Cancelled):
        runtime.decode(PROMPT, ENCODED, None, attention=True, cancel=cancel)
    with pytest.raises(Cancelled):
        runtime.explain(Method.ROLLOUT, written(runtime, "graph", cancel))


def test_a_run_that_breaks_is_a_failure(runtime: TorchRuntime) -> None:
    with pytest.raises(RuntimeFailure, match="PyTorch broke"):
        runtime.encode(PIXELS[:, :2], "graph", CancelToken())


def test_weights_that_cant_be_read_are_a_failure(own_bundle: Path) -> None:
    with pytest.raises(RuntimeFailure, match="PyTorch can't load the model"):
        TorchRuntime(open_bundle(own_bundle))


def test_a_missing_pytorch_is_a_failure(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RuntimeFailure, match="This needs PyTorch"):
        TorchRuntime(bundle)
