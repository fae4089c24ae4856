"""Runs a bundle's exported graphs with ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.cores import physical_cores
from mmgpt_desktop.engine.cuda_failures import card_failure, library_failure
from mmgpt_desktop.engine.folder.bundle import Bundle
from mmgpt_desktop.engine.folder.model_files import ANOTHER, ships
from mmgpt_desktop.engine.graphics_card import card_problem, find_card
from mmgpt_desktop.engine.runtime import DecodeResult, Encoded
from mmgpt_desktop.errors import (
    AppError,
    BundleError,
    Cancelled,
    NoCard,
    NotAvailable,
    RuntimeFailure,
)
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.text import reason_of, safe_name

CUDA_PROVIDER = "CUDAExecutionProvider"
CPU_PROVIDER = "CPUExecutionProvider"
CUDA_OPTIONS = {
    "use_tf32": "0",  # it would round the answers
    "arena_extend_strategy": "kSameAsRequested",  # and not by the next power of two
}
# It takes away the rotation of queries, which our attention row reads as well.
NOT_SOUND = ["GroupQueryAttentionFusion"]
PRECISION = "float32"  # in which our own graphs compute, whatever their weights are kept in
CUDA_THREADS = 2  # of the processor, for shapes and what CUDA has no kernel for
ANOTHER_RUNTIME = "Use another runtime."
LOADING = "ONNX Runtime can't load the model ({reason})."
RUNNING = "ONNX Runtime broke while it ran the model ({reason})."
ASK_AGAIN = "Ask again."
SPIN = "20"  # microseconds
SILENT = 4  # fatal only: what goes wrong comes as an exception, and cancelling logs an error

PIXELS, IMAGE = "pixel_values", ("image_keys", "image_values")
EDGES, READING = "edges", "reading"
IDS, LOGITS, ATTENTION = "input_ids", "logits", "attention"

_INNARDS = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed:\s*"
    r"|\S*[/\\]\S+\.(cc|cpp|cu|cuh|h|hpp)(:\d+)?\s*"  # a file of its source,
    r"|[\w:~<>&*, ]*\w+::~?\w+\([^()]*\)( const)?( \[with [^\]]*\])?:?\s*"  # a function there
)

Arrays = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class _Graph:
    session: Any
    outputs: frozenset[str]


class OnnxRuntime:
    """A session for each graph, all on one provider.

    The default fusion's are made at once, the others when they are first needed. A picture and a
    cache are keys and values as the graphs gave them: arrays, and on CUDA values that stay on the
    card, so that a token costs its logits and its attention alone (on the CPU, binding them
    measured no faster). `graphs` replace those of the bundle, by file name (benchmarks).
    Raises RuntimeFailure if a session can't be made or the provider is not the one asked for.
    """

    def __init__(
        self, bundle: Bundle, name: RuntimeName, *, graphs: Mapping[str, bytes] | None = None
    ) -> None:
        self._cuda = wants_cuda(name)
        self._bundle, self._replaced = bundle, graphs or {}
        self._spec, self._fusions = bundle.manifest.decoder, bundle.manifest.fusions
        pairs = [f"{kind}.{i}" for i in range(self._spec.layers) for kind in ("keys", "values")]
        self._past = [f"past_{pair}" for pair in pairs]
        self._present = [f"present_{pair}" for pair in pairs]
        self._kept = frozenset([*IMAGE, *self._present])
        self._graphs: dict[str, _Graph] = {}
        self.prepare(bundle.manifest.fusion)
        decoder = self._decoder(bundle.manifest.fusion)
        provider = decoder.session.get_providers()[0]
        self.info = RuntimeInfo(name, provider, precision=PRECISION)

    def prepare(self, fusion: str) -> None:
        self._encoder(fusion)
        self._decoder(fusion)

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Encoded:
        if pixels is None:
            layers, spec = self._fusions[fusion].tensors, self._spec
            nothing = np.zeros((layers, 1, spec.heads, 0, spec.head_dim), np.float32)
            return Encoded(fusion, nothing, nothing)
        encoder = self._encoder(fusion)
        wanted = [*IMAGE, *{READING} & encoder.outputs]
        keys, values, *reading = self._run(encoder, wanted, {PIXELS: pixels}, cancel)
        return Encoded(fusion, keys, values, reading[0][0] if reading else None)

    def edges(
        self, pixels: NDArray[np.float32], fusion: str, cancel: CancelToken
    ) -> NDArray[np.float32] | None:
        encoder = self._encoder(fusion)
        if EDGES not in encoder.outputs:
            return None
        (edges,) = run_session(encoder.session, [EDGES], {PIXELS: pixels}, cancel)
        return np.asarray(edges[0])

    def decode(
        self,
        token_ids: Sequence[int],
        encoded: Encoded,
        cache: Arrays | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        decoder, feeds = self._decoder(encoded.fusion), self._feeds(token_ids, encoded, cache)
        wanted = [LOGITS, *self._present]
        if attention and ATTENTION in decoder.outputs:
            wanted.append(ATTENTION)
        logits, *rest = self._run(decoder, wanted, feeds, cancel)
        count = len(self._present)
        weights = encoded.over_cells(rest[count][0]) if len(rest) > count else None
        return DecodeResult(_by_position(logits)[-1], weights, tuple(rest[:count]))

    def score(
        self, token_ids: Sequence[int], encoded: Encoded, cancel: CancelToken
    ) -> NDArray[np.float32]:
        feeds = self._feeds(token_ids, encoded, None)
        (logits,) = self._run(self._decoder(encoded.fusion), [LOGITS], feeds, cancel)
        scores = _by_position(logits)
        if len(scores) != len(token_ids):
            title = "The model's {graph} is of an older kind: it can't score a whole answer."
            graph = self._fusions[encoded.fusion].decoder
            raise NotAvailable(title, "Use PyTorch, or export the graphs again.", graph=graph)
        return scores

    def close(self) -> None:
        self._graphs.clear()

    def _run(
        self, graph: _Graph, outputs: Sequence[str], feeds: Mapping[str, Any], cancel: CancelToken
    ) -> list[Any]:
        if not self._cuda:
            return run_session(graph.session, outputs, feeds, cancel)
        return run_on_card(graph.session, outputs, feeds, cancel, kept=self._kept)

    def _feeds(
        self, token_ids: Sequence[int], encoded: Encoded, cache: Arrays | None
    ) -> dict[str, Any]:
        return {
            IDS: np.array([token_ids], np.int64),
            **dict(zip(IMAGE, (encoded.keys, encoded.values), strict=True)),
            **dict(zip(self._past, cache or self._empty_cache(), strict=True)),
        }

    def _encoder(self, fusion: str) -> _Graph:
        return self._graph(self._fusions[fusion].image_encoder, [PIXELS], IMAGE)

    def _decoder(self, fusion: str) -> _Graph:
        inputs, outputs = [IDS, *IMAGE, *self._past], [LOGITS, *self._present]
        return self._graph(self._fusions[fusion].decoder, inputs, outputs)

    def _graph(self, file: str, inputs: Iterable[str], outputs: Iterable[str]) -> _Graph:
        """The graph of a file, which takes and gives at least these."""
        if file not in self._graphs:
            model = self._replaced.get(file) or str(self._listed(file))
            session = make_session(model, self._bundle.path, self._cuda)
            given = frozenset(node.name for node in session.get_outputs())
            taken = {node.name for node in session.get_inputs()}
            if missing := sorted({*inputs} - taken | {*outputs} - given):
                title = "The model's {graph} lacks {name}."
                raise RuntimeFailure(title, ANOTHER, graph=file, name=missing[0])
            self._graphs[file] = _Graph(session, given)
        return self._graphs[file]

    def _listed(self, file: str) -> Path:
        """A graph's path, all of whose weights have checksums. Raises BundleError."""
        path = self._bundle.file(file)
        if ships(self._bundle.path):
            return path
        from mmgpt_desktop.engine.graphs.graph_file import external_places  # brings onnx: 0.1 s

        if other := external_places(path) - {file, *self._bundle.manifest.files}:
            title = "The model's {graph} reads {name}, which its manifest doesn't list."
            values = {"graph": file, "name": safe_name(min(map(str, other)))}
            raise BundleError(title, "Don't use this model.", **values)
        return path

    def _empty_cache(self) -> Arrays:
        empty = np.zeros((1, self._spec.heads, 0, self._spec.head_dim), np.float32)
        return (empty,) * (2 * self._spec.layers)


def _by_position(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """[position, vocabulary]; graphs exported by older versions give the last position alone."""
    return logits.reshape(-1, logits.shape[-1])


def cuda_obstacle() -> RuntimeFailure | None:
    """Why CUDA needs no try; None if it may work."""
    if CUDA_PROVIDER not in import_onnxruntime().get_available_providers():
        return NoCard("The installed ONNX Runtime is for the processor alone.", ANOTHER_RUNTIME)
    if (problem := card_problem()) is not None:
        return problem
    if find_card() is None:
        return NoCard("No NVIDIA graphics card was found.", ANOTHER_RUNTIME)
    return None


def import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except Exception as error:  # a damaged installation raises more than ImportError
        title = "ONNX Runtime can't be loaded ({reason})."
        hint = "Install the app's packages again."
        raise RuntimeFailure(title, hint, reason=reason_of(error)) from error
    return onnxruntime


def wants_cuda(name: RuntimeName) -> bool:
    """Raises NoCard and CardFailure where CUDA is wanted and can't be had."""
    if name is not RuntimeName.ONNX_CUDA:
        return False
    obstacle = cuda_obstacle()
    try:
        if obstacle:
            raise obstacle
    finally:
        del obstacle  # or it would hold its traceback, and that the engine
    return True


def run_session(
    session: Any, outputs: Sequence[str], feeds: Mapping[str, Any], cancel: CancelToken
) -> list[Any]:
    """Arrays on the host. Raises RuntimeFailure, and Cancelled also in mid-run."""
    return list(_run(session, lambda options: session.run(outputs, feeds, options), cancel))


def run_bound(
    session: Any, binding: Any, feeds: Mapping[str, NDArray[Any]], cancel: CancelToken
) -> Any:
    """All bound outputs, a vector of the library's: its list takes as long as a layer to make.

    Raises as `run_session`.
    """

    def run(options: Any) -> None:
        for name, array in feeds.items():
            binding.bind_cpu_input(name, array)  # on the card that is a copy, and may fail
        session.run_with_iobinding(binding, options)

    _run(session, run, cancel)
    return binding.get_outputs_as_ortvaluevector()


def run_on_card(
    session: Any,
    outputs: Sequence[str],
    feeds: Mapping[str, Any],
    cancel: CancelToken,
    *,
    kept: Collection[str],
) -> list[Any]:
    """As `run_session`, but those of the outputs that are `kept` stay on the card, as values that
    go into the feeds of later runs."""
    binding = session.io_binding()

    def run(options: Any) -> None:
        for name, value in feeds.items():
            if isinstance(value, np.ndarray):
                binding.bind_cpu_input(name, value)
            else:
                binding.bind_ortvalue_input(name, value)
        for name in outputs:
            binding.bind_output(name, "cuda" if name in kept else "cpu")
        session.run_with_iobinding(binding, options)

    _run(session, run, cancel)
    given = zip(outputs, binding.get_outputs(), strict=True)
    return [value if name in kept else value.numpy() for name, value in given]


def _run(session: Any, run: Callable[[Any], Any], cancel: CancelToken) -> Any:
    cancel.raise_if_cancelled()
    options = import_onnxruntime().RunOptions()  # one for each run: a terminated one stays so
    options.log_severity_level = SILENT
    # Its absence is an exception within the library at each step; -1 records nothing for replay.
    options.add_run_config_entry("gpu_graph_id", "-1")
    forget = cancel.on_cancel(lambda: setattr(options, "terminate", True))
    try:
        with onnx_failures(RUNNING, ASK_AGAIN, on_card=_on_card(session)):
            return run(options)
    except RuntimeFailure as failure:
        if cancel.cancelled:
            raise Cancelled from failure
        raise
    finally:
        forget()


@contextlib.contextmanager
def onnx_failures(title: str, hint: str, *, on_card: bool) -> Iterator[None]:
    """What ONNX Runtime raises in here becomes a RuntimeFailure: a CardFailure if it ran on the
    card and that failed, or else one with `title` and `hint`."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:  # the library's exceptions share no base but this
        raise (card_failure(error) if on_card else None) or RuntimeFailure(
            title, hint, reason=_reason(error)
        ) from error


def _reason(error: Exception) -> str:
    """What the library says, without the places in its source and on this disk."""
    said = _INNARDS.sub("", str(error)) if not isinstance(error, MemoryError) else ""
    return reason_of(Exception(said)) if said.strip(" :.") else reason_of(error)


def _on_card(session: Any) -> bool:
    return bool(session.get_providers()[0] == CUDA_PROVIDER)


def make_session(model: str | bytes, folder: Path, cuda: bool, threads: int | None = None) -> Any:
    """A session that really runs on the provider asked for: creation may fall back silently.

    The weights of a graph given as bytes lie in `folder`. `threads` are as many as there are
    cores, unless said. Raises RuntimeFailure, and of it CardFailure.
    """
    ort = import_onnxruntime()
    providers: list[Any] = [CPU_PROVIDER]
    if cuda:
        providers.insert(0, (CUDA_PROVIDER, CUDA_OPTIONS))
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it can't find
            ort.preload_dlls()
    ort.set_default_logger_severity(SILENT)
    ort.disable_telemetry_events()  # on Windows; elsewhere the package's variable does it
    options = _cuda_options(ort) if cuda else _cpu_options(ort, threads)
    options.log_severity_level = SILENT
    if isinstance(model, bytes):
        key = "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(key, str(folder))
    with onnx_failures(LOADING, "Use PyTorch.", on_card=cuda):
        session = ort.InferenceSession(
            model,
            options,
            providers=providers,
            enable_fallback=0,
            disabled_optimizers=NOT_SOUND if cuda else None,
        )
    if cuda and not _on_card(session):
        raise library_failure()
    return session


def _cuda_options(ort: Any) -> Any:
    """Memory on the card is the weights' and what is at work, and little beside."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = CUDA_THREADS
    # Weights don't go through the arena, which would keep as much again for them.
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    # It plans a block of memory for each shape; a growing cache has a new one at each step.
    options.enable_mem_pattern = False
    return options


def _cpu_options(ort: Any, threads: int | None) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or physical_cores()
    # A thread that falls asleep between two operators costs a third of the speed; one that
    # spins for long halves it as soon as anything else runs, the window included.
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN)
    # Processors without VNNI (before 2019, AMD's before 2022) add pairs of 8-bit products in 16
    # bits, which overflow; the slower kernel doesn't. Others take no notice.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options
