"""Runs a bundle's exported graphs with ONNX Runtime."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.bundle import DECODER, IMAGE_ENCODER, Bundle
from mmgpt_desktop.engine.cores import physical_cores
from mmgpt_desktop.engine.runtime import CancelToken, DecodeResult
from mmgpt_desktop.errors import Cancelled, RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.text import reason_of

CUDA_PROVIDER = "CUDAExecutionProvider"
CPU_PROVIDER = "CPUExecutionProvider"
SILENT = 4  # fatal only: what goes wrong comes as an exception, and cancelling logs an error

Arrays = tuple[NDArray[np.float32], ...]
_KINDS = ("keys", "values")


class OnnxRuntime:
    """Two sessions, encoder and decoder, on one provider.

    A cache is the decoder's present keys and values, as arrays on the host: handing them
    back copies nothing on the CPU, and IO binding measured no faster. `decoder` replaces the
    bundle's graph (benchmarks).
    Raises RuntimeFailure if no session can be made or the provider is not the one asked for.
    """

    def __init__(self, bundle: Bundle, name: RuntimeName, *, decoder: bytes | None = None) -> None:
        cuda = name is RuntimeName.ONNX_CUDA
        ort = import_onnxruntime()
        if cuda and (obstacle := cuda_obstacle()):
            title = "ONNX Runtime can't use the graphics card ({reason})."
            raise RuntimeFailure(title, "Use another runtime.", reason=obstacle)
        self._ort = ort
        self._spec = bundle.manifest.decoder
        encoder_path, decoder_path = bundle.file(IMAGE_ENCODER), bundle.file(DECODER)
        self._encoder: Any = _session(ort, str(encoder_path), bundle.path, cuda)
        self._decoder: Any = _session(ort, decoder or str(decoder_path), bundle.path, cuda)
        self._outputs = [output.name for output in self._decoder.get_outputs()]
        self._check_names()
        self.info = RuntimeInfo(name, self._decoder.get_providers()[0])

    def encode(self, pixels: NDArray[np.float32] | None, cancel: CancelToken) -> Arrays:
        """Cross keys and values, float32 [layer, 1, head, cell, head_dim] each."""
        if pixels is None:
            spec = self._spec
            nothing = np.zeros((spec.attention_layers, 1, spec.heads, 0, spec.head_dim), np.float32)
            return nothing, nothing
        outputs = ["cross_keys", "cross_values"]
        return tuple(self._run(self._encoder, outputs, {"pixel_values": pixels}, cancel))

    def decode(
        self,
        token_ids: Sequence[int],
        encoded: Arrays,
        cache: Arrays | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        feeds = {
            "input_ids": np.array([token_ids], np.int64),
            "cross_keys": encoded[0],
            "cross_values": encoded[1],
            **dict(zip(self._past_names(), cache or self._empty_cache(), strict=True)),
        }
        wanted = ["logits", *self._present_names()]
        if attention and "attention" in self._outputs:
            wanted.append("attention")
        logits, *rest = self._run(self._decoder, wanted, feeds, cancel)
        layers = 2 * self._spec.layers
        weights = rest[layers][0] if len(rest) > layers else None
        return DecodeResult(logits[0], weights, tuple(rest[:layers]))

    def close(self) -> None:
        self._encoder = self._decoder = None

    def _run(
        self, session: Any, outputs: list[str], feeds: dict[str, Any], cancel: CancelToken
    ) -> list[Any]:
        cancel.raise_if_cancelled()
        options = self._ort.RunOptions()  # one for each run: a terminated one stays so
        options.log_severity_level = SILENT
        forget = cancel.on_cancel(lambda: setattr(options, "terminate", True))
        try:
            return list(session.run(outputs, feeds, options))
        except Exception as error:  # the library's exceptions share no base but this
            if cancel.cancelled:
                raise Cancelled from error
            title = "ONNX Runtime broke while it ran the model ({reason})."
            raise RuntimeFailure(title, "Ask again.", reason=reason_of(error)) from error
        finally:
            forget()

    def _check_names(self) -> None:
        inputs = {node.name for node in self._decoder.get_inputs()}
        missing = {"input_ids", "cross_keys", "cross_values", *self._past_names()} - inputs
        missing |= {"logits", *self._present_names()} - set(self._outputs)
        if missing:
            title = "The model's decoder graph lacks {name}."
            raise RuntimeFailure(title, "Install the app again.", name=sorted(missing)[0])

    def _past_names(self) -> list[str]:
        return [f"past_{kind}.{i}" for i in range(self._spec.layers) for kind in _KINDS]

    def _present_names(self) -> list[str]:
        return [f"present_{kind}.{i}" for i in range(self._spec.layers) for kind in _KINDS]

    def _empty_cache(self) -> Arrays:
        empty = np.zeros((1, self._spec.heads, 0, self._spec.head_dim), np.float32)
        return (empty,) * (2 * self._spec.layers)


def cuda_obstacle() -> str | None:
    """Why CUDA needs no try, as the end of a sentence; None if it may work."""
    if CUDA_PROVIDER not in import_onnxruntime().get_available_providers():
        return "the installed ONNX Runtime has no CUDA support"
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "no NVIDIA driver was found"
    return None


def import_onnxruntime() -> Any:
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except Exception as error:  # a damaged installation raises more than ImportError
        title = "ONNX Runtime can't be loaded ({reason})."
        hint = "Install the app's packages again."
        raise RuntimeFailure(title, hint, reason=reason_of(error)) from error
    return onnxruntime


def _session(ort: Any, model: str | bytes, folder: Path, cuda: bool) -> Any:
    """A session that really runs on the provider asked for: creation may fall back silently."""
    providers: list[Any] = [CPU_PROVIDER]
    if cuda:
        providers.insert(0, (CUDA_PROVIDER, {"use_tf32": "0"}))  # TF32 would round the answers
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it can't find
            ort.preload_dlls()
    ort.set_default_logger_severity(SILENT)
    options = ort.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = physical_cores()
    # Threads that spin while they wait halve the speed as soon as anything else runs, the
    # window included.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if isinstance(model, bytes):
        key = "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(key, str(folder))
    try:
        session = ort.InferenceSession(model, options, providers=providers, enable_fallback=0)
    except Exception as error:  # as in `_run`
        title = "ONNX Runtime can't load the model ({reason})."
        raise RuntimeFailure(title, "Use PyTorch.", reason=reason_of(error)) from error
    if cuda and session.get_providers()[0] != CUDA_PROVIDER:
        title = "ONNX Runtime can't use the graphics card (CUDA 13 or cuDNN 9 are missing)."
        raise RuntimeFailure(title, "Install them, or use another runtime.")
    return session
