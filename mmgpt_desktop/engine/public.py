"""The engine of public models: a transformers checkpoint, or ONNX graphs beside its settings."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.checkpoint import (
    Checkpoint,
    has_weights,
    open_checkpoint,
    read_checkpoint,
)
from mmgpt_desktop.engine.families.base import Context, Family, Features, Laid, Seen
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.layouts import find_graphs, is_graphs
from mmgpt_desktop.engine.memory import require_memory
from mmgpt_desktop.engine.occlusion import Cells, Hiding, PhotoHider, Rescorer
from mmgpt_desktop.engine.public_onnx import PublicOnnx
from mmgpt_desktop.engine.public_torch_models import public_torch
from mmgpt_desktop.engine.runtime import CancelToken
from mmgpt_desktop.engine.serving import Asked, EngineBase, Progress
from mmgpt_desktop.errors import AppError, NotAvailable
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Doubt,
    EdgeMap,
    Explanation,
    FusionInfo,
    GenerationRequest,
    HeadChoice,
    HeadNumbers,
    Method,
    ModelInfo,
    PatchGrid,
    Photo,
    RuntimeName,
    Sampling,
)

RuntimeMaker = Callable[[RuntimeName, Checkpoint], Any]

LONGEST_ANSWER = 256
FEATURES_KEPT = 8
_ALL_HEADS = "All heads of all layers: which of them tell most was not measured for this model."


def make_runtime(name: RuntimeName, checkpoint: Checkpoint) -> Any:
    """Raises RuntimeFailure if that runtime can't be had here."""
    if name is RuntimeName.TORCH:
        whole = checkpoint if checkpoint.weights else open_checkpoint(checkpoint.path)
        return public_torch(whole)
    require_memory(find_graphs(checkpoint.path).bytes)
    return PublicOnnx(checkpoint, name)


class PublicEngine(EngineBase):
    """A public model and the runtime that runs it. `make` is for tests."""

    def __init__(
        self, folder: Path, choice: RuntimeName | None = None, make: RuntimeMaker | None = None
    ) -> None:
        self._path, self._graphs = folder, is_graphs(folder)
        super().__init__(self._order(), choice)
        self._make = make or make_runtime
        self._checkpoint: Checkpoint | None = None
        self._family: Family | None = None
        self._features: OrderedDict[tuple[str, bool], Features] = OrderedDict()

    @property
    def checkpoint(self) -> Checkpoint:
        """After `load`."""
        assert self._checkpoint is not None
        return self._checkpoint

    @property
    def family(self) -> Family:
        """After `load`."""
        assert self._family is not None
        return self._family

    def open(self, progress: Progress, cancel: CancelToken) -> None:
        self._checkpoint = (read_checkpoint if self._graphs else open_checkpoint)(self._path)
        self._family = family_of(self._checkpoint)
        self.stop_ids = self._family.stop_ids
        self.context_length = self._family.context_length
        progress(0.1, "Starting the model")

    def make_runtime(self, name: RuntimeName) -> Any:
        return self._make(name, self.checkpoint)

    def describe(self) -> ModelInfo:
        layers, heads = self._runtime.attention_shape
        choice = _head_choice(self._path, layers, heads)
        fusion = FusionInfo(self.family.fusion, layers, heads, 0, 0, choice)
        return ModelInfo(
            name=self.checkpoint.name,
            description="",
            context_length=self.context_length,
            fusions=(fusion,),
            fusion=fusion.name,
            doubt=Doubt(0.0, 0.0),
            sampling=Sampling(max_new_tokens=LONGEST_ANSWER),
            sequences=self.family.sequences,
        )

    def token_bytes(self, token_id: int) -> bytes:
        return self.family.token_bytes(token_id)

    def asked(self, request: GenerationRequest) -> Asked:
        photos, fine = request.images, request.fine
        seen = [self.family.see(photo, fine=fine) for photo in photos]
        laid = self.family.lay(request.messages, seen, request.sampling.max_new_tokens)

        encoded: list[Context] = []  # the present one

        def encode(cancel: CancelToken) -> Context:
            encoded[:] = [self._context(laid, photos, seen, fine, cancel)]
            return encoded[0]

        def read(weights: NDArray[np.float32]) -> AttentionMap:
            return attention_maps(weights, encoded[0])

        return Asked(
            laid.token_ids,
            laid.dropped_turns,
            lambda: None,
            encode,
            read if seen else None,
            lambda tokens: self.family.groundings(tokens, seen),
        )

    def edges(self, photo: Photo, cancel: CancelToken) -> EdgeMap | None:
        return None

    def explain(
        self,
        explanation: Explanation,
        method: Method,
        cancel: CancelToken,
        progress: Callable[[float], None],
    ) -> CellMaps:
        title = "This way of explaining is worked out for the app's own models only."
        raise NotAvailable(title, "Attention and occlusion can be had with every model.")

    def numbers(
        self, explanation: Explanation, token: int, layer: int, head: int, cancel: CancelToken
    ) -> HeadNumbers:
        title = "The numbers of a head can be shown for the app's own models only."
        raise NotAvailable(title, "The head's map can be had with every model.")

    def rescorer(self, explanation: Explanation, cancel: CancelToken, how: Hiding) -> Rescorer:
        request, family, runtime = explanation.request, self.family, self._runtime
        if not request.images:
            title = "This answer was given without a picture, so there is nothing to explain."
            raise AppError(title, "Ask about a picture.")
        photo, *others = request.images
        seen = [family.see(each, fine=request.fine) for each in request.images]
        laid = family.lay(request.messages, seen, request.sampling.max_new_tokens)
        rest = self._context(laid, others, seen[1:], request.fine, cancel).features
        hider = PhotoHider(photo, seen[0].grid, how)

        def encode(hidden: Cells) -> Context:
            covered = family.see(hider(hidden), fine=request.fine)
            first = runtime.encode(covered, cancel)
            return Context(laid, (covered, *seen[1:]), (first, *rest))

        prompt, tokens = laid.token_ids, explanation.token_ids
        return Rescorer(runtime, encode, seen[0].grid, prompt, tokens, 1.0, cancel)

    def forget(self) -> None:
        self._features.clear()

    def _order(self) -> list[RuntimeName]:
        """Graphs where there are some, and PyTorch where there are weights for it."""
        graphs = [RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU] if self._graphs else []
        return graphs + ([RuntimeName.TORCH] if not graphs or has_weights(self._path) else [])

    def _context(
        self,
        laid: Laid,
        photos: Sequence[Photo],
        seen: Sequence[Seen],
        fine: bool,
        cancel: CancelToken,
    ) -> Context:
        """With each photo encoded once for all questions about it."""
        encode = partial(self._runtime.encode, cancel=cancel)
        features = []
        for photo, each in zip(photos, seen, strict=True):
            key = photo.image_id, fine
            found = self._features.pop(key, None) or encode(each)
            self._features[key] = found  # as the last one used
            features.append(found)
        while len(self._features) > FEATURES_KEPT:
            self._features.popitem(last=False)
        return Context(laid, tuple(seen), tuple(features))


def _head_choice(folder: Path, layers: int, heads: int) -> HeadChoice:
    """What an export's manifest says, else all heads."""
    try:
        chosen = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["attention"]
        pairs = tuple((int(layer), int(head)) for layer, head in chosen["heads"])
        how = str(chosen["how"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return HeadChoice((), _ALL_HEADS)
    if not all(0 <= layer < layers and 0 <= head < heads for layer, head in pairs):
        return HeadChoice((), _ALL_HEADS)
    return HeadChoice(pairs, how)


def attention_maps(weights: NDArray[np.float32], context: Context) -> AttentionMap:
    """Of `DecodeResult.attention` [layer, head, image token]: the first photo's map, with the
    others in it. A token's weight goes to the patches that it read, and theirs to the cells
    that they cover; what covers no cell is `elsewhere`."""
    first, *others = _maps(weights, context)
    return AttentionMap(first.weights, first.grid, first.elsewhere, others=tuple(others))


def _maps(weights: NDArray[np.float32], context: Context) -> list[AttentionMap]:
    ends = np.cumsum([each.tokens for each in context.seen])
    parts = np.split(weights, ends[:-1], axis=-1)
    return [
        _map(part, seen.grid, _to_cells(seen, features))
        for part, seen, features in zip(parts, context.seen, context.features, strict=True)
    ]


def _to_cells(seen: Seen, features: Features) -> NDArray[np.float32]:
    """What a token's weight adds to each cell: [token, cell]."""
    return seen.spread if features.reading is None else features.reading @ seen.spread


def _map(part: NDArray[np.float32], grid: PatchGrid, to_cells: NDArray[np.float32]) -> AttentionMap:
    places = part @ to_cells
    cells = places.astype(np.float16)
    cells.setflags(write=False)
    lost = part.sum(axis=-1).mean() - places.sum(axis=-1).mean()
    return AttentionMap(cells, grid, max(0.0, float(lost)))
