from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine import onnx_runtime
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.onnx_runtime import (
    OnnxRuntime,
    make_session,
    run_bound,
    run_session,
)
from mmgpt_desktop.errors import Cancelled, CardFailure, NoCard, NotAvailable, RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from tests.card_libraries import Libraries, no_card
from tests.not_none import not_none
from tests.tiny_bundle import (
    CELLS,
    COPIER,
    FUSIONS,
    HEADS,
    IR_VERSION,
    JOINED_ROWS,
    LAYERS,
    LOOKING,
    NAMES,
    OPSET,
    SIZE,
    WIDTH,
)

CPU, CUDA = RuntimeName.ONNX_CPU, RuntimeName.ONNX_CUDA
ENCODER, DECODER = "image_encoder.graph.onnx", "decoder.cross_attention.onnx"
ROOT = Path(__file__).resolve().parents[2]
PIXELS = np.linspace(-1, 1, 3 * SIZE * SIZE, dtype=np.float32).reshape(1, 3, SIZE, SIZE)


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle)


def test_it_says_what_the_session_really_got(bundle: Bundle) -> None:
    info = OnnxRuntime(bundle, CPU).info
    assert (info.runtime, info.provider) == (CPU, "CPUExecutionProvider")


def test_onnx_runtime_keeps_and_sends_nothing(tiny_bundle: Path, tmp_path: Path) -> None:
    """Its telemetry begins with an identifier of the computer, kept in the user's home."""
    code = (
        "import sys; from pathlib import Path;"
        "from mmgpt_desktop.engine.bundle_engine import BundleEngine;"
        "engine = BundleEngine(Path(sys.argv[1])); engine.load(); engine.close()"
    )
    inherited = {name: text for name, text in os.environ.items() if "TELEMETRY" not in name}
    homes = dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME"), str(tmp_path))
    command = [sys.executable, "-c", code, str(tiny_bundle)]
    subprocess.run(command, cwd=ROOT, env=inherited | homes, check=True)
    assert list(tmp_path.iterdir()) == []


SIZES = {
    "graph": (LOOKING + COPIER, CELLS + NAMES),
    "cross_attention": (LOOKING + COPIER, CELLS + NAMES),
    "concat": (LAYERS + COPIER, JOINED_ROWS**2 + NAMES),
}


@pytest.mark.parametrize("fusion", FUSIONS)
def test_shapes_of_a_run(bundle: Bundle, fusion: str) -> None:
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    encoded = runtime.encode(PIXELS, fusion, cancel)
    layers, places = SIZES[fusion]
    assert encoded.fusion == fusion
    assert encoded.keys.shape == encoded.values.shape == (layers, 1, HEADS, places, WIDTH)
    result = runtime.decode([1, 5, 2], encoded, None, attention=True, cancel=cancel)
    assert result.logits.shape == (bundle.manifest.decoder.vocabulary,)
    assert result.attention is not None
    assert result.attention.shape == (layers, HEADS, places)
    assert (result.attention.sum(axis=-1) <= 1).all()
    assert [array.shape for array in result.cache] == [(1, HEADS, 3, WIDTH)] * 2 * LAYERS
    after = runtime.decode([7], encoded, result.cache, attention=False, cancel=cancel)
    assert after.attention is None
    assert after.cache[0].shape == (1, HEADS, 4, WIDTH)
    assert (after.cache[0][:, :, :3] == result.cache[0]).all()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_score_has_the_logits_of_each_step(bundle: Bundle, fusion: str) -> None:
    runtime, cancel, ids = OnnxRuntime(bundle, CPU), CancelToken(), [1, 5, 2, 7]
    encoded = runtime.encode(PIXELS, fusion, cancel)
    scores = runtime.score(ids, encoded, cancel)
    assert scores.shape == (4, bundle.manifest.decoder.vocabulary)
    cache = None
    for token_id, row in zip(ids, scores, strict=True):
        step = runtime.decode([token_id], encoded, cache, attention=False, cancel=cancel)
        cache = step.cache
        assert row == pytest.approx(step.logits, abs=1e-6)


def test_graphs_of_the_older_kind_answer_but_score_nothing(bundle: Bundle) -> None:
    model = onnx.load(str(bundle.file(DECODER)), load_external_data=False)
    (gather,) = [node for node in model.graph.node if node.output[0] == "logits"]
    gather.input[1] = "last_id"
    shape = model.graph.output[0].type.tensor_type.shape
    del shape.dim[1]
    runtime = OnnxRuntime(bundle, CPU, graphs={DECODER: model.SerializeToString()})
    cancel = CancelToken()
    encoded = runtime.encode(PIXELS, "graph", cancel)
    result = runtime.decode([1, 5, 2], encoded, None, attention=True, cancel=cancel)
    full = OnnxRuntime(bundle, CPU).decode([1, 5, 2], encoded, None, attention=True, cancel=cancel)
    assert (result.logits == full.logits).all()
    with pytest.raises(NotAvailable, match=r"older kind: it can't score a whole answer\."):
        runtime.score([1, 5, 2], encoded, cancel)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_without_a_picture_there_are_no_cells(bundle: Bundle, fusion: str) -> None:
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    result = runtime.decode(
        [1, 2], runtime.encode(None, fusion, cancel), None, attention=True, cancel=cancel
    )
    assert result.attention is not None
    assert result.attention.shape == (SIZES[fusion][0], HEADS, 0)


def test_the_graph_has_edges_and_the_others_none(bundle: Bundle) -> None:
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    edges = runtime.edges(PIXELS, "graph", cancel)
    assert edges is not None
    assert edges.shape == (CELLS, CELLS)
    assert edges.dtype == np.float32
    assert edges.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert runtime.edges(PIXELS, "cross_attention", cancel) is None


def test_what_goes_to_latents_goes_to_the_cells_they_read(bundle: Bundle) -> None:
    """Each latent has read one cell, the first one the last."""
    name = "image_encoder.cross_attention.onnx"
    model = onnx.load(str(bundle.file(name)), load_external_data=False)
    reading = np.eye(CELLS, dtype=np.float32)[None, ::-1]
    model.graph.initializer.append(numpy_helper.from_array(reading.copy(), "reading"))
    model.graph.output.append(
        helper.make_tensor_value_info("reading", TensorProto.FLOAT, reading.shape)
    )
    cancel, seen = CancelToken(), []
    for graphs in ({}, {name: model.SerializeToString()}):
        runtime = OnnxRuntime(bundle, CPU, graphs=graphs)
        encoded = runtime.encode(PIXELS, "cross_attention", cancel)
        result = runtime.decode([1, 5, 2], encoded, None, attention=True, cancel=cancel)
        seen.append(not_none(result.attention))
    plain, turned = seen
    assert (turned[..., :CELLS] == plain[..., CELLS - 1 :: -1]).all()
    assert (turned[..., CELLS:] == plain[..., CELLS:]).all(), "names are no latents"
    assert (turned != plain).any()


def test_sessions_are_made_when_they_are_needed_and_once(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = onnxruntime.InferenceSession, list[str]()

    def make(model: str, *args: Any, **options: Any) -> Any:
        made.append(Path(model).name)
        return real(model, *args, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", make)
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    assert made == ["image_encoder.graph.onnx", "decoder.cross_attention.onnx"]
    for fusion in ("graph", "cross_attention", "graph", "cross_attention"):
        encoded = runtime.encode(PIXELS, fusion, cancel)
        runtime.decode([1, 2], encoded, None, attention=True, cancel=cancel)
    assert made[2:] == ["image_encoder.cross_attention.onnx"], "two fusions share a decoder"
    nothing = runtime.encode(None, "concat", cancel)
    runtime.decode([1, 2], nothing, None, attention=True, cancel=cancel)
    assert made[3:] == ["decoder.concat.onnx"], "without a picture there is nothing to encode"


def test_a_graph_without_attention_gives_none(bundle: Bundle) -> None:
    model = onnx.load(str(bundle.file(DECODER)), load_external_data=False)
    model.graph.output.pop()
    runtime = OnnxRuntime(bundle, CPU, graphs={DECODER: model.SerializeToString()})
    cancel = CancelToken()
    encoded = runtime.encode(PIXELS, "graph", cancel)
    result = runtime.decode([1, 2], encoded, None, attention=True, cancel=cancel)
    full = OnnxRuntime(bundle, CPU).decode([1, 2], encoded, None, attention=True, cancel=cancel)
    assert result.attention is None
    assert (result.logits == full.logits).all()


def endless_graph() -> bytes:
    """The encoder's signature around a loop that would take hours."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Sin", ["x"], ["y"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("Loop", ["times", "yes", "pixel_values"], ["image_keys"], body=body),
            helper.make_node("Identity", ["image_keys"], ["image_values"]),
        ],
        "endless",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, (1, 3, SIZE, SIZE))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("image_keys", "image_values")
        ],
        [
            helper.make_tensor("times", TensorProto.INT64, [], [1 << 50]),
            helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
        ],
    )
    model = helper.make_model(
        graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    return bytes(model.SerializeToString())


def test_cancel_ends_an_endless_run_and_the_session_stays_usable(
    own_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = open_bundle(own_bundle)
    bundle.file(ENCODER).write_bytes(endless_graph())
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        runtime.encode(PIXELS, "graph", cancel)
    timer.join()
    nothing = runtime.encode(None, "graph", CancelToken())
    result = runtime.decode([1, 2], nothing, None, attention=True, cancel=CancelToken())
    assert np.isfinite(result.logits).all()
    assert capfd.readouterr() == ("", "")


def test_a_cancelled_token_starts_no_run(bundle: Bundle) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        OnnxRuntime(bundle, CPU).encode(PIXELS, "graph", cancel)


def test_a_broken_graph_is_one_sentence_and_no_noise(
    own_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = open_bundle(own_bundle)
    bundle.file(DECODER).write_bytes(b"this is no graph")
    with pytest.raises(RuntimeFailure, match="can't load the model") as caught:
        OnnxRuntime(bundle, CPU)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_graph_of_another_shape_is_named(own_bundle: Path) -> None:
    bundle = open_bundle(own_bundle)
    encoder, decoder = (bundle.file(name).read_bytes() for name in (ENCODER, DECODER))
    bundle.file(DECODER).write_bytes(encoder)
    with pytest.raises(RuntimeFailure, match=rf"{DECODER} lacks image_keys"):
        OnnxRuntime(bundle, CPU)
    bundle.file(ENCODER).write_bytes(decoder)
    with pytest.raises(RuntimeFailure, match=rf"{ENCODER} lacks image_keys"):
        OnnxRuntime(bundle, CPU)


def test_a_run_that_breaks_is_a_failure(bundle: Bundle) -> None:
    runtime = OnnxRuntime(bundle, CPU)
    with pytest.raises(RuntimeFailure, match="broke while it ran"):
        runtime.encode(PIXELS[:, :2], "graph", CancelToken())


def test_forced_cuda_without_a_driver_says_so(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_card().use(monkeypatch)
    with pytest.raises(NoCard, match=r"No NVIDIA graphics card|for the processor alone"):
        OnnxRuntime(bundle, CUDA)


def test_a_card_that_cant_be_used_is_no_ordinary_computer(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    Libraries(version=12040).use(monkeypatch)
    with pytest.raises(CardFailure, match=r"it knows CUDA 12\.4, not 13\.0\. Install"):
        OnnxRuntime(bundle, CUDA)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available[1:])
    with pytest.raises(NoCard, match="for the processor alone"):
        OnnxRuntime(bundle, CUDA)


def test_a_session_that_falls_to_the_processor_is_no_cuda(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = onnxruntime.InferenceSession
    asked: list[Any] = []

    def fall_back(*args: Any, providers: list[Any], **options: Any) -> Any:
        asked.append(providers)
        return real(*args, providers=["CPUExecutionProvider"], **options)

    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: None)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print("noise"), raising=False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", fall_back)
    with pytest.raises(CardFailure, match="can't be used without NVIDIA's"):
        OnnxRuntime(bundle, CUDA)
    assert asked[0][0][0] == "CUDAExecutionProvider"
    assert capfd.readouterr() == ("", "")


class CardSession:
    """As one on the card: it was made with `given`, and runs into what is in `said`."""

    said: ClassVar[str] = ""
    given: ClassVar[list[tuple[Any, Any]]] = []

    def __init__(self, model: str, options: Any, *, providers: Any, **settings: Any) -> None:
        assert not settings["enable_fallback"]
        self.given.append((options, providers))
        if model == "broken":
            raise RuntimeError(self.said)

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def run(self, outputs: Any, feeds: Any, options: Any) -> None:
        raise RuntimeError(self.said)

    def run_with_iobinding(self, binding: Any, options: Any) -> None:
        raise RuntimeError(self.said)


@pytest.fixture
def on_card(monkeypatch: pytest.MonkeyPatch) -> type[CardSession]:
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", CardSession)
    monkeypatch.setattr(CardSession, "given", [])
    return CardSession


def test_a_session_on_the_card_keeps_little_beside_the_weights(
    on_card: type[CardSession], tmp_path: Path
) -> None:
    make_session("graph", tmp_path, cuda=True)
    make_session("graph", tmp_path, cuda=True, threads=7)
    for options, (cuda, _) in on_card.given:
        assert cuda[1] == {"use_tf32": "0", "arena_extend_strategy": "kSameAsRequested"}
        key = "session.use_device_allocator_for_initializers"
        assert options.get_session_config_entry(key) == "1"
        assert not options.enable_mem_pattern
        assert options.intra_op_num_threads == 2


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("CUDA failure 719: unspecified launch failure", "crashed at its work"),
        ("Failed to allocate memory for requested buffer of size 5", "not enough free memory"),
    ],
)
def test_a_card_that_fails_is_told_from_a_model_that_does(
    on_card: type[CardSession], tmp_path: Path, said: str, failure: str
) -> None:
    session, cancel = make_session("graph", tmp_path, cuda=True), CancelToken()
    on_card.said = said
    for run in (
        lambda: make_session("broken", tmp_path, cuda=True),
        lambda: run_session(session, [], {}, cancel),
        lambda: run_bound(session, None, {}, cancel),
    ):
        on_card.said = said
        with pytest.raises(CardFailure, match=failure):
            run()
        on_card.said = "Got invalid dimensions for input"
        with pytest.raises(RuntimeFailure, match="Got invalid dimensions") as caught:
            run()
        assert not isinstance(caught.value, CardFailure)


def test_the_processors_want_of_memory_is_not_the_cards(
    on_card: type[CardSession], tmp_path: Path
) -> None:
    on_card.said = "Failed to allocate memory for requested buffer of size 5"
    with pytest.raises(RuntimeFailure, match="can't load the model") as caught:
        make_session("broken", tmp_path, cuda=False)
    assert not isinstance(caught.value, CardFailure)


def test_a_missing_onnxruntime_is_a_failure(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(RuntimeFailure, match="ONNX Runtime can't be loaded"):
        OnnxRuntime(bundle, CPU)
