"""The model that comes with the app, through both runtimes, on the sample photos."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine import onnx_runtime
from mmgpt_desktop.engine.bundle_engine import BundleEngine, model_info
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import NoCard
from mmgpt_desktop.imaging.images import load_photo
from mmgpt_desktop.imaging.pixels import prepare
from mmgpt_desktop.messages import GenerationRequest, Message, Photo, RuntimeName, Sampling
from mmgpt_desktop.methods import Method
from mmgpt_desktop.resources import mini_path, resource_path
from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.wordings import CHINESE

QUESTION = Message("user", "What is in this picture?")
FUSIONS = ("graph", "cross_attention", "concat")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    bundle = open_bundle(mini_path())
    bundle.verify(lambda done: None, CancelToken())
    return bundle


@pytest.fixture(scope="module")
def onnx(bundle: Bundle) -> Runtime:
    return OnnxRuntime(bundle, RuntimeName.ONNX_CPU)


@pytest.fixture(scope="module")
def torch(bundle: Bundle) -> Runtime:
    return TorchRuntime(bundle)


def photo(name: str) -> Photo:
    return load_photo(resource_path("samples", name))


def test_it_has_the_three_fusions_and_no_file_too_many(bundle: Bundle) -> None:
    assert set(bundle.manifest.fusions) == set(FUSIONS)
    graphs = {path.name for path in bundle.path.glob("*.onnx")}
    specs = bundle.manifest.fusions.values()
    assert graphs == {name for spec in specs for name in (spec.image_encoder, spec.decoder)}


def test_a_name_may_have_a_token_twice(bundle: Bundle) -> None:
    tokenizer = Tokenizer.from_file(str(bundle.path / "tokenizer.json"))
    names = class_names(CHINESE)
    twice = [name for name in names if len(set(ids := tokenizer.encode(name).ids)) < len(ids)]
    assert "狒狒" in twice
    assert model_info(bundle).sampling.repetition_penalty == 1


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("name", ["cat.jpg", "coffee.jpg", None])
def test_both_runtimes_agree_to_a_thousandth(
    bundle: Bundle, onnx: Runtime, torch: Runtime, name: str | None, fusion: str
) -> None:
    cancel = CancelToken()
    pixels = prepare(photo(name), bundle.manifest.image_spec())[0] if name else None
    encoded = [runtime.encode(pixels, fusion, cancel) for runtime in (onnx, torch)]
    ours, theirs = encoded
    assert np.abs(ours.keys - np.asarray(theirs.keys)).max(initial=0) < 1e-3
    assert np.abs(ours.values - np.asarray(theirs.values)).max(initial=0) < 1e-3
    info = bundle.manifest.fusion_info(fusion)
    assert len(ours.keys) == info.image_layers + 1
    assert ours.keys.shape[3] > info.rows * info.columns if name else ours.keys.shape[3] == 0
    feed = list(MmgptFamily(bundle).build_prompt([QUESTION], 10).token_ids)
    scores = [
        runtime.score(feed, seen, cancel)
        for runtime, seen in zip((onnx, torch), encoded, strict=True)
    ]
    assert scores[0].shape == (len(feed), bundle.manifest.decoder.vocabulary)
    assert np.abs(scores[0] - scores[1]).max() < 1e-3
    caches: list[Any] = [None, None]
    for _ in range(8):
        first, second = (
            runtime.decode(feed, seen, cache, attention=True, cancel=cancel)
            for runtime, seen, cache in zip((onnx, torch), encoded, caches, strict=True)
        )
        assert np.abs(first.logits - second.logits).max() < 1e-3
        assert first.attention is not None
        assert second.attention is not None
        assert first.attention.shape == second.attention.shape
        assert np.abs(first.attention - second.attention).max(initial=0) < 1e-3
        assert (first.attention.sum(axis=-1) < 1 + 1e-4).all()
        feed, caches = [int(first.logits.argmax())], [first.cache, second.cache]


def test_both_runtimes_agree_on_the_graphs_edges(
    bundle: Bundle, onnx: Runtime, torch: Runtime
) -> None:
    pixels, _ = prepare(photo("cat.jpg"), bundle.manifest.image_spec())
    ours, theirs = (runtime.edges(pixels, "graph", CancelToken()) for runtime in (onnx, torch))
    assert ours is not None
    assert theirs is not None
    info = bundle.manifest.fusion_info("graph")
    assert ours.shape == theirs.shape == (info.rows * info.columns,) * 2
    assert np.abs(ours - theirs).max() < 1e-3
    assert (ours.sum(axis=1) < 1 + 1e-4).all()


def answer(
    engine: BundleEngine,
    fusion: str | None,
    question: str = QUESTION.text,
    name: str = "cat.jpg",
) -> tuple[str, tuple[str, ...]]:
    texts: list[str] = []
    asked = Message("user", question)
    sampling = Sampling(repetition_penalty=1.1, max_new_tokens=16)
    request = GenerationRequest(1, (photo(name),), (asked,), sampling, fusion=fusion)
    outcome = engine.generate(request, CancelToken(), lambda step: texts.append(step.text))
    assert outcome.kind == "done", outcome.error
    return "".join(texts), tuple(map(str, outcome.notes))


@pytest.mark.parametrize("fusion", [None, "concat"])
def test_when_onnx_breaks_in_mid_answer_pytorch_writes_the_rest(
    monkeypatch: pytest.MonkeyPatch, fusion: str | None
) -> None:
    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: NoCard("Off."))
    engine = BundleEngine(mini_path())
    engine.load()
    whole, notes = answer(engine, fusion)
    assert whole
    assert notes == ()
    real, runs = onnxruntime.InferenceSession.run, 0

    def break_at_the_fourth(*args: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 4:
            raise RuntimeError("forced by a test")
        return real(*args)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", break_at_the_fourth)
    assert answer(engine, fusion) == (
        whole,
        ("PyTorch took over: ONNX Runtime broke while it ran the model (forced by a test).",),
    )
    assert engine.runtime.runtime is RuntimeName.TORCH
    engine.close()


def test_token_activation_is_for_the_fusion_that_reads_tokens(bundle: Bundle) -> None:
    model = model_info(bundle)
    assert model.languages == ("en", "zh")
    assert {fusion.name: fusion.lacks for fusion in model.fusions} == {
        "graph": (Method.TAM,),
        "cross_attention": (Method.TAM,),
        "concat": (),
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[BundleEngine]:
    engine = BundleEngine(mini_path(), RuntimeName.ONNX_CPU)
    engine.load()
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("name", "question", "said"),
    [
        ("cat.jpg", "What animal is this?", "cat"),
        ("cat.jpg", "这是什么动物？", "猫"),  # noqa: RUF001
        ("cat.jpg", "图里有花吗？", "没有"),  # noqa: RUF001
        ("flower.jpg", "Is there a flower?", "yes"),
        ("flower.jpg", "图里有花吗？", "有"),  # noqa: RUF001
    ],
)
def test_it_answers_in_the_question_s_language(
    engine: BundleEngine, name: str, question: str, said: str
) -> None:
    text, _ = answer(engine, None, question, name)
    assert said in text
