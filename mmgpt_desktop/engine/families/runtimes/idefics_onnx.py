"""Idefics' graphs: its words look at photos by gated cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs
from mmgpt_desktop.engine.checkpoint_onnx import CheckpointOnnx
from mmgpt_desktop.engine.families.idefics import seen_photos
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.graphs.attention_nodes import writes_in_place
from mmgpt_desktop.engine.graphs.decoder_session import unseen
from mmgpt_desktop.engine.graphs.graph_file import read_graph
from mmgpt_desktop.engine.graphs.names import KEYS, READING, SIGHT, VALUES
from mmgpt_desktop.engine.graphs.surgery import Edited
from mmgpt_desktop.note import NO_NOTE, Note


class IdeficsOnnx(CheckpointOnnx):
    """Photos are read by the cross-attention layers, and take no place among the words.

    The image encoder gives these layers' keys and values, [layer, head, token, width].
    """

    def encode(self, inputs: ImageInputs, cancel: CancelToken) -> Features:
        wanted = [name for name in (KEYS, VALUES, READING) if name in self._vision.outputs]
        keys, values, *reading = self._vision.run(wanted, inputs.arrays, cancel)
        return Features((keys, values), reading[0] if reading else None)

    def _attending(self, path: Path, cache: Path, cuda: bool) -> tuple[Edited, Note]:
        """Its own graph gives the cross-attention; what words read of words isn't asked for."""
        model = read_graph(path)
        return Edited(model.SerializeToString(), writes_in_place(model.graph)), NO_NOTE

    def _attention_shape(self, checkpoint: Checkpoint) -> tuple[int, int]:
        layers, heads, _, _ = self.decoder.graph.inputs[KEYS].shape
        return layers, heads

    def looks(self, attention: NDArray[Any], context: Context) -> NDArray[Any]:
        return attention[:, :, : len(context.prompt.image_positions)]

    def text_feeds(
        self,
        token_ids: Sequence[int],
        context: Context,
        past: int,
        kept: int,
        cancel: CancelToken,
    ) -> dict[str, Any]:
        """As without photos, whose tokens are words here."""
        words = Context(replace(context.prompt, image_positions=()))
        return super()._feeds(token_ids, words, past, kept, cancel)

    def _feeds(
        self,
        token_ids: Sequence[int],
        context: Context,
        past: int,
        kept: int,
        cancel: CancelToken,
    ) -> dict[str, Any]:
        feeds = self.text_feeds(token_ids, context, past, kept, cancel)
        if not context.features:
            return {**feeds, **unseen(self.decoder.graph, len(token_ids))}
        parts = [each.embeddings for each in context.features]
        keys, values = (np.concatenate(each, axis=2) for each in zip(*parts, strict=True))
        photos = seen_photos(context, past, len(token_ids))[0]
        sight = photos.repeat(keys.shape[2] // photos.shape[1], axis=1)
        return {**feeds, KEYS: keys, VALUES: values, SIGHT: sight}
