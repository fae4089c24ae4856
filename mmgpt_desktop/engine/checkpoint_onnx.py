"""Runs a public model's graphs with ONNX Runtime: image encoder, embeddings, decoder.

The graphs are the community's or our own; what each takes is read from itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs
from mmgpt_desktop.engine.families.registry import family_class
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.folder.layouts import GraphFiles, find_graphs, precision_label
from mmgpt_desktop.engine.folder.model_files import unreadable
from mmgpt_desktop.engine.folder.tensor_files import read_header
from mmgpt_desktop.engine.graphs.decoder_session import DecoderGraph, Past
from mmgpt_desktop.engine.graphs.graph_session import Graph, blamed
from mmgpt_desktop.engine.graphs.names import (
    BLOCKS,
    DEEP_EMBEDS,
    DEEP_FEATURES,
    EMBEDS,
    FEATURES,
    FROM,
    IDS,
    KEPT,
    MASK,
    POSITIONS,
    READING,
    TYPES,
    WITH_PAST,
)
from mmgpt_desktop.engine.graphs.prefix_attention import see_blocks
from mmgpt_desktop.engine.graphs.surgery import Edited, attending_graph
from mmgpt_desktop.engine.onnx_runtime import wants_cuda
from mmgpt_desktop.engine.runtime import DecodeResult
from mmgpt_desktop.engine.text_models import attention_heads
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.note import Note
from mmgpt_desktop.settings import cache_path

_IN_ORDER = Note(
    "These graphs read the prompt in order only, where the model reads pictures both ways:"
    " answers may differ from PyTorch's."
)


def cache_folder() -> Path:
    """Where edited graphs are kept."""
    return cache_path() / "graphs"


class CheckpointOnnx:
    """A public model's graphs, all on one provider. It can be cancelled in mid-run."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        name: RuntimeName,
        *,
        files: GraphFiles | None = None,
        cache: Path | None = None,
    ) -> None:
        """`files` are the truest graphs by default; `cache` keeps edited ones, in the user's own
        cache folder by default.

        Raises BundleError for bad files, RuntimeFailure where the provider can't be had.
        """
        cuda = wants_cuda(name)
        files = files or find_graphs(checkpoint.path)
        self._family = family_class(checkpoint.model_type)
        self.files = files
        source = files.card if cuda and files.card else files.decoder
        with blamed(source):
            decoder, note = self._attending(source, cache or cache_folder(), cuda)
        graph = Graph(source, cuda, decoder.graph)
        # The prompt's operators are the CPU's alone.
        quick = Graph(files.prompt, cuda) if files.prompt and not cuda else None
        with blamed(source):
            self.decoder = DecoderGraph(graph, in_place=decoder.in_place, cuda=cuda, prompt=quick)
        if self._family.outside_blocks is not None and graph.inputs.keys().isdisjoint(
            (BLOCKS, TYPES)
        ):
            note = note or _IN_ORDER
        self._vision = Graph(files.vision, cuda)
        with blamed(files.embeddings):
            self._words = _words(files.embeddings)
        self.attention_shape = self._attention_shape(checkpoint)
        precision = precision_label(checkpoint.path, files)
        self.info = RuntimeInfo(name, graph.session.get_providers()[0], note, precision)

    def encode(self, inputs: ImageInputs, cancel: CancelToken) -> Features:
        """`Features.embeddings` is float [token, width], with deepstack a tuple of that and
        [layer, token, width]."""
        vision = self._vision
        main = FEATURES if FEATURES in vision.outputs else vision.outputs[0]
        others = [name for name in (DEEP_FEATURES, READING) if name in vision.outputs]
        feeds = {**inputs.arrays, **inputs.for_graphs}
        found, *rest = vision.run([main, *others], feeds, cancel)
        more = dict(zip(others, rest, strict=True))
        embeddings = found.reshape(-1, found.shape[-1])
        if len(embeddings) != inputs.tokens:
            title = "The model's {graph} gives {found} tokens for a photo, and not {expected}."
            values = {"found": len(embeddings), "expected": inputs.tokens}
            with blamed(self.files.vision):
                raise RuntimeFailure(title, "Use PyTorch.", graph=vision.name, **values)
        deep = more.get(DEEP_FEATURES)
        return Features(embeddings if deep is None else (embeddings, deep), more.get(READING))

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
        past = cache.length if cache else 0
        if self.decoder.prompt and len(token_ids) > 1:
            feeds = self._feeds(token_ids, context, past, 1, cancel)
            cache = self.decoder.fill(feeds, cache, len(token_ids), cancel)
            past, token_ids = cache.length, token_ids[-1:]
        feeds = self._feeds(token_ids, context, past, 1, cancel)
        logits, found, after = self.decoder.run(feeds, cache, len(token_ids), cancel)
        weights = None
        if attention and found is not None:
            weights = np.asarray(self.looks(found, context), np.float32)
        return DecodeResult(np.asarray(logits[0, -1], np.float32), weights, after)

    def score(
        self, token_ids: Sequence[int], context: Context, cancel: CancelToken
    ) -> NDArray[np.float32]:
        """Logits [n, vocabulary] of what follows each of the last n of `token_ids`, fed after
        nothing: from the prompt's last token on."""
        kept = len(token_ids) - len(context.prompt.token_ids) + 1
        feeds = self._feeds(token_ids, context, 0, kept, cancel)
        logits = self.decoder.score(feeds, cancel)
        return np.asarray(logits[0, -kept:], np.float32)

    def close(self) -> None:
        self.decoder.close()
        for part in (self._vision, self._words):
            if isinstance(part, Graph):
                part.close()
        self._words = np.zeros((0, 0), np.float32)  # which lets go of the file

    def _attending(self, path: Path, cache: Path, cuda: bool) -> tuple[Edited, Note]:
        """The decoder with its attention among its outputs, or why it has none."""
        edit = partial(_read_both_ways, family=self._family)
        return attending_graph(path, cache, kernels=not cuda, edit=edit)

    def looks(self, attention: NDArray[Any], context: Context) -> NDArray[Any]:
        """What of the graph's attention went to image tokens."""
        return attention[:, :, list(context.prompt.image_positions)]

    def _attention_shape(self, checkpoint: Checkpoint) -> tuple[int, int]:
        """(layers, heads)"""
        return self.decoder.layers, attention_heads(checkpoint.config)

    def _feeds(
        self,
        token_ids: Sequence[int],
        context: Context,
        past: int,
        kept: int,
        cancel: CancelToken,
    ) -> dict[str, Any]:
        """All that a decoder may take beside its cache, for tokens that stand after `past`
        others; the logits of the last `kept` are wanted."""
        count, total = len(token_ids), past + len(token_ids)
        ids = np.array([token_ids], np.int64)
        image, which = context.prompt.image_tokens(past, count)
        ids[0, image] = 0  # an image token may lie beyond the table
        embeds = self._embedded(ids, cancel)
        feeds = {
            IDS: ids,
            MASK: np.ones((1, total), np.int64),
            POSITIONS: context.prompt.rotary_positions(past, count),
            WITH_PAST: np.array([past > 0]),
            KEPT: np.array(kept),
            FROM: np.array(count - kept),
            BLOCKS: context.prompt.blocks_of(total),
            TYPES: context.prompt.token_types(past, count, self._family.outside_blocks or 0),
        }
        if len(image):
            parts = [_parts(each) for each in context.features]
            embeds[0, image] = np.concatenate([main for main, _ in parts])[which]
        if DEEP_EMBEDS in self.decoder.graph.inputs:
            feeds[DEEP_EMBEDS] = self._deep(context, image, which, embeds.shape)
        return {**feeds, EMBEDS: embeds}

    def _embedded(self, ids: NDArray[np.int64], cancel: CancelToken) -> NDArray[np.float32]:
        if isinstance(self._words, Graph):
            (found,) = self._words.run(self._words.outputs[:1], {IDS: ids}, cancel)
        else:
            found = self._words[ids]
        return np.array(found, np.float32)

    def _deep(
        self,
        context: Context,
        image: NDArray[np.int64],
        which: NDArray[np.int64],
        shape: tuple[int, ...],
    ) -> NDArray[np.float32]:
        """What is added after the first layers where image tokens stand, [layer, 1, S, width]."""
        layers = self.decoder.graph.inputs[DEEP_EMBEDS].shape[0]
        deep = np.zeros((layers, *shape), np.float32)
        if len(image):
            found = [_parts(each)[1] for each in context.features]
            deep[:, 0, image] = np.concatenate(found, axis=1)[:, which]
        return deep


def _words(file: Path) -> Graph | NDArray[Any]:
    """What looks embeddings up: a graph, or a table of which only the rows needed are read.

    On the processor always: a card would have no other work, and they are wanted here.

    Raises BundleError and RuntimeFailure.
    """
    if file.suffix != ".safetensors":
        return Graph(file, cuda=False)
    found = read_header(file).tensors
    try:
        (table,) = found.values()
        dtype = {"F32": np.float32, "F16": np.float16}[table.dtype]
        return np.memmap(file, dtype, "r", offset=table.begin, shape=table.shape)
    except (OSError, ValueError, KeyError) as error:
        raise unreadable(file.name, error) from error


def _read_both_ways(graph: onnx.GraphProto, family: type[Family]) -> None:
    """As the model does, where its graph doesn't."""
    if family.outside_blocks is not None and TYPES not in {each.name for each in graph.input}:
        see_blocks(graph, windows_cut=family.windows_cut_blocks)


def _parts(features: Features) -> tuple[NDArray[Any], NDArray[Any]]:
    """The embeddings [token, width], and those for later layers [layer, token, width]."""
    found = features.embeddings
    return found if isinstance(found, tuple) else (found, np.zeros((0, *found.shape)))
