from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from mmgpt_desktop.engine import onnx_runtime
from mmgpt_desktop.engine.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.errors import Cancelled, RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from tests.tiny_bundle import CELLS, HEADS, IR_VERSION, LAYERS, LOOKING, OPSET, SIZE, WIDTH

CPU, CUDA = RuntimeName.ONNX_CPU, RuntimeName.ONNX_CUDA
PIXELS = np.linspace(-1, 1, 3 * SIZE * SIZE, dtype=np.float32).reshape(1, 3, SIZE, SIZE)


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle)


def test_it_says_what_the_session_really_got(bundle: Bundle) -> None:
    info = OnnxRuntime(bundle, CPU).info
    assert (info.runtime, info.provider) == (CPU, "CPUExecutionProvider")


def test_shapes_of_a_run(bundle: Bundle) -> None:
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    encoded = runtime.encode(PIXELS, cancel)
    assert [array.shape for array in encoded] == [(LOOKING, 1, HEADS, CELLS, WIDTH)] * 2
    result = runtime.decode([1, 5, 2], encoded, None, attention=True, cancel=cancel)
    assert result.logits.shape == (bundle.manifest.decoder.vocabulary,)
    assert result.attention is not None
    assert result.attention.shape == (LOOKING, HEADS, CELLS)
    assert (result.attention.sum(axis=-1) <= 1).all()
    assert [array.shape for array in result.cache] == [(1, HEADS, 3, WIDTH)] * 2 * LAYERS
    after = runtime.decode([7], encoded, result.cache, attention=False, cancel=cancel)
    assert after.attention is None
    assert after.cache[0].shape == (1, HEADS, 4, WIDTH)
    assert (after.cache[0][:, :, :3] == result.cache[0]).all()


def test_without_a_picture_there_are_no_cells(bundle: Bundle) -> None:
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    result = runtime.decode(
        [1, 2], runtime.encode(None, cancel), None, attention=True, cancel=cancel
    )
    assert result.attention is not None
    assert result.attention.shape == (LOOKING, HEADS, 0)


def test_a_graph_without_attention_gives_none(bundle: Bundle) -> None:
    model = onnx.load(str(bundle.file("decoder.onnx")), load_external_data=False)
    model.graph.output.pop()
    runtime = OnnxRuntime(bundle, CPU, decoder=model.SerializeToString())
    cancel = CancelToken()
    encoded = runtime.encode(PIXELS, cancel)
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
            helper.make_node("Loop", ["times", "yes", "pixel_values"], ["cross_keys"], body=body),
            helper.make_node("Identity", ["cross_keys"], ["cross_values"]),
        ],
        "endless",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, (1, 3, SIZE, SIZE))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("cross_keys", "cross_values")
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


def test_cancel_ends_a_long_run_at_once_and_the_session_stays_usable(
    own_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = open_bundle(own_bundle)
    bundle.file("image_encoder.onnx").write_bytes(endless_graph())
    runtime, cancel = OnnxRuntime(bundle, CPU), CancelToken()
    cancelled_at: list[float] = []

    def stop() -> None:
        cancelled_at.append(time.perf_counter())
        cancel.cancel()

    timer = threading.Timer(0.1, stop)
    timer.start()
    with pytest.raises(Cancelled):
        runtime.encode(PIXELS, cancel)
    assert time.perf_counter() - cancelled_at[0] < 1
    timer.join()
    result = runtime.decode(
        [1, 2], runtime.encode(None, CancelToken()), None, attention=True, cancel=CancelToken()
    )
    assert np.isfinite(result.logits).all()
    assert capfd.readouterr() == ("", "")


def test_a_cancelled_token_starts_no_run(bundle: Bundle) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        OnnxRuntime(bundle, CPU).encode(PIXELS, cancel)


def test_a_broken_graph_is_one_sentence_and_no_noise(
    own_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = open_bundle(own_bundle)
    bundle.file("decoder.onnx").write_bytes(b"this is no graph")
    with pytest.raises(RuntimeFailure, match="can't load the model") as caught:
        OnnxRuntime(bundle, CPU)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_graph_of_another_shape_is_named(own_bundle: Path) -> None:
    bundle = open_bundle(own_bundle)
    encoder = bundle.file("image_encoder.onnx").read_bytes()
    bundle.file("decoder.onnx").write_bytes(encoder)
    with pytest.raises(RuntimeFailure, match="decoder graph lacks cross_keys"):
        OnnxRuntime(bundle, CPU)


def test_a_run_that_breaks_is_a_failure(bundle: Bundle) -> None:
    runtime = OnnxRuntime(bundle, CPU)
    with pytest.raises(RuntimeFailure, match="broke while it ran"):
        runtime.encode(PIXELS[:, :2], CancelToken())


def test_forced_cuda_without_a_driver_says_so(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_library(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(onnx_runtime.ctypes, "CDLL", no_library)
    with pytest.raises(RuntimeFailure, match=r"no NVIDIA driver|no CUDA support"):
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
    with pytest.raises(RuntimeFailure, match="can't use the graphics card"):
        OnnxRuntime(bundle, CUDA)
    assert asked[0][0][0] == "CUDAExecutionProvider"
    assert capfd.readouterr() == ("", "")


def test_a_missing_onnxruntime_is_a_failure(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(RuntimeFailure, match="ONNX Runtime can't be loaded"):
        OnnxRuntime(bundle, CPU)
