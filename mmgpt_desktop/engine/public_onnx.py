"""Runs a public model's graphs with ONNX Runtime: image encoder, embeddings, decoder.

The graphs are the community's or our own; what each takes is read from itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from mmgpt_desktop.engine.checkpoint import CONFIG, Checkpoint
from mmgpt_desktop.engine.families.base import Context, Features, Seen, positions
from mmgpt_desktop.engine.families.chat import text_config
from mmgpt_desktop.engine.graph_file import read_graph
from mmgpt_desktop.engine.layouts import GraphFiles, find_graphs
from mmgpt_desktop.engine.onnx_runtime import make_session, run_session, wants_cuda
from mmgpt_desktop.engine.runtime import CancelToken, DecodeResult
from mmgpt_desktop.engine.surgery import ATTENTION, attending_graph
from mmgpt_desktop.errors import BundleError, NotAvailable, RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.text import reason_of, safe_name

IDS, EMBEDS, MASK, POSITIONS = "input_ids", "inputs_embeds", "attention_mask", "position_ids"
LOGITS, FEATURES = "logits", "image_features"
WITH_PAST = "use_cache_branch"  # which branch of a graph that was merged of two
KEPT = "num_logits_to_keep"  # 0 keeps all
FROM = "logits_from"
BLOCKS = "blocks"
DEEP_FEATURES, DEEP_EMBEDS = "deepstack_features", "deepstack_embeds"
_BOTH_WAYS = ("gemma3", "paligemma")  # families with prefix attention
_IN_ORDER = (
    "These graphs read the prompt in order only, where the model reads pictures both ways:"
    " answers may differ from PyTorch's."
)
_HEADER_LIMIT = 100_000_000  # bytes of a safetensors header, by its specification
_PAST = re.compile(r"past_key_values\.|past_")

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(uint8)": np.uint8,
}

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Past:
    """Keys and values by the names of the decoder's inputs, of `length` positions."""

    arrays: Arrays
    length: int


def cache_folder() -> Path:
    """Where edited graphs are kept."""
    return platformdirs.user_cache_path("mmgpt-desktop", appauthor=False) / "graphs"


class Graph:
    """A session, fed with whatever it takes, in its own types."""

    def __init__(self, path: Path, cuda: bool, edited: bytes | None = None) -> None:
        """`edited` replaces the file's graph; its weights stay beside the file."""
        self.name = path.name
        if edited is None:
            read_graph(path)  # refuses weights from outside the folder
        self.session = make_session(edited or str(path), path.parent, cuda)
        self.inputs = {node.name: node for node in self.session.get_inputs()}
        self.outputs = [node.name for node in self.session.get_outputs()]

    def run(
        self, outputs: Sequence[str], feeds: Mapping[str, Any], cancel: CancelToken
    ) -> list[Any]:
        """Feeds that the graph does not take are left out."""
        taken = {name: self._fitted(name, feeds) for name in self.inputs}
        return run_session(self.session, outputs, taken, cancel)

    def close(self) -> None:
        self.session = None

    def dtype(self, name: str) -> Any:
        kind = self.inputs[name].type
        if kind not in _DTYPES:
            title = (
                "The model's graph {graph} takes numbers of a kind that is not known here: {kind}."
            )
            raise RuntimeFailure(title, "Use PyTorch.", graph=self.name, kind=kind)
        return _DTYPES[kind]

    def _fitted(self, name: str, feeds: Mapping[str, Any]) -> NDArray[Any]:
        """In the input's type, with or without the axis of a batch of one."""
        if name not in feeds:
            title = "The model's graph {graph} asks for {name}, which is not known here."
            raise RuntimeFailure(title, "Use PyTorch.", graph=self.name, name=safe_name(name))
        array = np.asarray(feeds[name])
        rank = len(self.inputs[name].shape)
        if array.ndim == rank + 1 and array.shape[0] == 1:
            array = array[0]
        elif array.ndim == rank - 1:
            array = array[np.newaxis]
        return np.ascontiguousarray(array, self.dtype(name))


class PublicOnnx:
    """A public model's graphs, all on one provider. It can be cancelled in mid-run."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        name: RuntimeName,
        *,
        precision: str | None = None,
        cache: Path | None = None,
    ) -> None:
        """`cache` keeps edited graphs, in the user's own cache folder by default.

        Raises BundleError for bad files, RuntimeFailure where the provider can't be had.
        """
        cuda = wants_cuda(name)
        files = find_graphs(checkpoint.path, precision)
        note = ""
        try:
            edited = attending_graph(files.decoder, cache or cache_folder())
        except NotAvailable as missing:
            edited, note = None, missing.title
        self._decoder = Graph(files.decoder, cuda, edited)
        if checkpoint.model_type in _BOTH_WAYS and BLOCKS not in self._decoder.inputs:
            note = note or _IN_ORDER
        self._vision = Graph(files.vision, cuda)
        self._embed = _embedder(files, cuda)
        self._past = [name for name in self._decoder.inputs if _PAST.match(name)]
        self._presents = [_PAST.sub("present.", name) for name in self._past]
        self._check_presents()
        self.attention_shape = self._attention_shape(checkpoint)
        provider = self._decoder.session.get_providers()[0]
        self.info = RuntimeInfo(name, provider, note)

    def encode(self, seen: Seen, cancel: CancelToken) -> Features:
        """`Features.embeddings` is float [token, width], with deepstack a tuple of that and
        [layer, token, width]."""
        vision = self._vision
        main = FEATURES if FEATURES in vision.outputs else vision.outputs[0]
        deep = [name for name in vision.outputs if name == DEEP_FEATURES]
        found, *more = vision.run([main, *deep], seen.inputs, cancel)
        embeddings = found.reshape(-1, found.shape[-1])
        if len(embeddings) != seen.tokens:
            title = "The model's {graph} gives {found} tokens for a photo, and not {expected}."
            values = {"found": len(embeddings), "expected": seen.tokens}
            raise RuntimeFailure(title, "Use PyTorch.", graph=vision.name, **values)
        return Features((embeddings, more[0]) if more else embeddings)

    def decode(
        self,
        token_ids: Sequence[int],
        context: Context,
        cache: Past | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        """Feed `token_ids` after what `cache` holds; nothing given is changed.

        `DecodeResult.attention` is float32 [layer, head, image token] of the last position,
        all photos' tokens in order; what is missing to 1 went to text.
        """
        past = cache or Past(self._empty(), 0)
        feeds = self._feeds(token_ids, context, past, 1, cancel)
        shown = attention and ATTENTION in self._decoder.outputs
        wanted = [LOGITS, *self._presents, *([ATTENTION] if shown else [])]
        logits, *rest = self._decoder.run(wanted, feeds, cancel)
        arrays = dict(zip(self._past, rest, strict=False))
        total = past.length + len(token_ids)
        places = list(context.laid.image_positions)
        weights = np.asarray(rest[-1][:, :, places], np.float32) if shown else None
        last = np.asarray(logits[0, -1], np.float32)
        return DecodeResult(last, weights, Past(arrays, total))

    def score(
        self, token_ids: Sequence[int], context: Context, cancel: CancelToken
    ) -> NDArray[np.float32]:
        """Logits [n, vocabulary] of what follows each of the last n of `token_ids`, fed after
        nothing: from the prompt's last token on."""
        kept = len(token_ids) - len(context.laid.token_ids) + 1
        feeds = self._feeds(token_ids, context, Past(self._empty(), 0), kept, cancel)
        (logits,) = self._decoder.run([LOGITS], feeds, cancel)
        return np.asarray(logits[0, -kept:], np.float32)

    def close(self) -> None:
        for part in (self._decoder, self._vision, self._embed):
            part.close()

    def _attention_shape(self, checkpoint: Checkpoint) -> tuple[int, int]:
        """(layers, heads)"""
        config = text_config(checkpoint.config)
        heads = config.get("num_attention_heads")
        if not isinstance(heads, int):
            title = "The model's {name} does not say how many heads it has."
            raise BundleError(title, "Get the model again.", name=CONFIG)
        return sum(1 for name in self._past if name.endswith("key")), heads

    def _check_presents(self) -> None:
        for name in (LOGITS, *self._presents):
            if name not in self._decoder.outputs:
                title = "The model's {graph} lacks {name}."
                values = {"graph": self._decoder.name, "name": safe_name(name)}
                raise RuntimeFailure(title, "Choose another model.", **values)

    def _feeds(
        self,
        token_ids: Sequence[int],
        context: Context,
        past: Past,
        kept: int,
        cancel: CancelToken,
    ) -> dict[str, Any]:
        """All that a decoder may take, for tokens that stand after `past`; the logits of the
        last `kept` are wanted."""
        count, total = len(token_ids), past.length + len(token_ids)
        ids = np.array([token_ids], np.int64)
        image, which = _image_tokens(context, past.length, count)
        ids[0, image] = 0  # an image token may lie beyond the table
        embeds = self._embed(ids, cancel)
        feeds = {
            IDS: ids,
            MASK: np.ones((1, total), np.int64),
            POSITIONS: positions(context.laid, past.length, count),
            WITH_PAST: np.array([past.length > 0]),
            KEPT: np.array(kept),
            FROM: np.array(count - kept),
            BLOCKS: _blocks(context, total),
            **past.arrays,
        }
        if len(image):
            parts = [_parts(each) for each in context.features]
            embeds[0, image] = np.concatenate([main for main, _ in parts])[which]
        if DEEP_EMBEDS in self._decoder.inputs:
            feeds[DEEP_EMBEDS] = self._deep(context, image, which, embeds.shape)
        return {**feeds, EMBEDS: embeds}

    def _deep(
        self,
        context: Context,
        image: NDArray[np.int64],
        which: NDArray[np.int64],
        shape: tuple[int, ...],
    ) -> NDArray[np.float32]:
        """What is added after the first layers where image tokens stand, [layer, 1, S, width]."""
        layers = self._decoder.inputs[DEEP_EMBEDS].shape[0]
        deep = np.zeros((layers, *shape), np.float32)
        if len(image):
            found = [_parts(each)[1] for each in context.features]
            deep[:, 0, image] = np.concatenate(found, axis=1)[:, which]
        return deep

    def _empty(self) -> Arrays:
        return {name: self._empty_past(name) for name in self._past}

    def _empty_past(self, name: str) -> NDArray[Any]:
        """[1, kv_heads, 0, head_dim], with both lengths as the graph declares them."""
        declared = self._decoder.inputs[name].shape
        if len(declared) != 4 or not all(isinstance(declared[axis], int) for axis in (1, 3)):
            title = "The model's {graph} does not say the size of {name}."
            values = {"graph": self._decoder.name, "name": safe_name(name)}
            raise RuntimeFailure(title, "Use PyTorch.", **values)
        return np.zeros((1, declared[1], 0, declared[3]), self._decoder.dtype(name))


class _Table:
    """Embeddings looked up in a safetensors file, of which only the rows needed are read."""

    def __init__(self, path: Path) -> None:
        """Raises BundleError. The format's specification: 8 bytes of length, a JSON header,
        then the tensors, whose offsets count from the header's end."""
        try:
            with path.open("rb") as file:
                size = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(size, _HEADER_LIMIT)))
            (entry,) = (each for name, each in header.items() if name != "__metadata__")
            dtype = {"F32": np.float32, "F16": np.float16}[entry["dtype"]]
            start = 8 + size + entry["data_offsets"][0]
            shape = tuple(entry["shape"])
            self._rows = np.memmap(path, dtype, "r", offset=start, shape=shape)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            title, hint = "The model's {name} can't be read ({reason}).", "Get the model again."
            values = {"name": path.name, "reason": reason_of(error)}
            raise BundleError(title, hint, **values) from error

    def __call__(self, ids: NDArray[np.int64], cancel: CancelToken) -> NDArray[Any]:
        cancel.raise_if_cancelled()
        return np.asarray(self._rows[ids], np.float32)

    def close(self) -> None:
        del self._rows


class _Lookup:
    """Embeddings looked up by a graph."""

    def __init__(self, path: Path, cuda: bool) -> None:
        self._graph = Graph(path, cuda)

    def __call__(self, ids: NDArray[np.int64], cancel: CancelToken) -> NDArray[Any]:
        (found,) = self._graph.run(self._graph.outputs[:1], {IDS: ids}, cancel)
        return np.array(found, np.float32)

    def close(self) -> None:
        self._graph.close()


def _embedder(files: GraphFiles, cuda: bool) -> _Table | _Lookup:
    table = files.embeddings.suffix == ".safetensors"
    return _Table(files.embeddings) if table else _Lookup(files.embeddings, cuda)


def _blocks(context: Context, total: int) -> NDArray[np.int64]:
    """`Laid.blocks` of all positions; those after the prompt see only what is before them."""
    blocks = np.full(total, -1, np.int64)
    if context.laid.blocks is not None:
        known = context.laid.blocks[:total]
        blocks[: len(known)] = known
    return blocks


def _parts(features: Features) -> tuple[NDArray[Any], NDArray[Any]]:
    """The embeddings [token, width], and those for later layers [layer, token, width]."""
    found = features.embeddings
    return found if isinstance(found, tuple) else (found, np.zeros((0, *found.shape)))


def _image_tokens(
    context: Context, fed: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the next `count` tokens are image tokens, and their numbers among all."""
    places = np.array(context.laid.image_positions, np.int64) - fed
    which = np.flatnonzero((places >= 0) & (places < count))
    return places[which], which
