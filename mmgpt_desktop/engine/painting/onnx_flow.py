"""Moves pictures out of noise with ONNX Runtime."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.onnx_runtime import PRECISION, wants_cuda
from mmgpt_desktop.engine.painting.flow_folder import MOVE, FlowFolder
from mmgpt_desktop.engine.painting.painter_folder import DRAW, READ
from mmgpt_desktop.engine.painting.painter_runtime import MovedPictures, PicturesToBegin
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName


class _Moving(NamedTuple):
    """Cells [B, cells, channels], the codes where they would end, and what stays the same."""

    cells: NDArray[np.float32]
    codes: NDArray[np.int64]
    words: NDArray[np.float32]
    begun: PicturesToBegin


class OnnxFlow:
    """A session for each graph, all on one provider. Two of them are the painter's.

    Raises RuntimeFailure if a session can't be made or the provider is not the one asked for.
    """

    def __init__(self, folder: FlowFolder, name: RuntimeName) -> None:
        cuda = wants_cuda(name)
        self._manifest, painter = folder.manifest, folder.painter
        self._values = [f"values.{layer}" for layer in folder.manifest.text_layers]
        self._cells = painter.manifest.cells
        self._read, self._draw = (Graph(painter.path / file, cuda) for file in (READ, DRAW))
        self._move = Graph(folder.path / MOVE, cuda)
        self.info = RuntimeInfo(name, self._move.session.get_providers()[0], precision=PRECISION)

    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> _Moving:
        found = self._read.run(self._values, {"input_ids": pictures.ids}, cancel)
        words = np.concatenate([_side_by_side(e[: len(pictures.ids)]) for e in found], axis=-1)
        shape = self._cells, self._manifest.channels
        cells = np.stack([noise(shape) for noise in pictures.noises])
        return _Moving(cells, np.zeros(0, np.int64), words, pictures)

    def step(self, state: Any, number: int, cancel: CancelToken) -> MovedPictures:
        settings = state.begun.settings
        feeds = {
            "cells": state.cells,
            "states": state.words,
            "visible": state.begun.visible,
            "time": np.array([number / settings.steps], np.float32),
            "span": np.array([1 / settings.steps], np.float32),
            "guidance": np.array([settings.guidance], np.float32),
        }
        cells, codes, attention = self._move.run(["moved", "codes", "attention"], feeds, cancel)
        return MovedPictures(state._replace(cells=cells, codes=codes), attention)

    def show(self, state: Any, cancel: CancelToken) -> NDArray[np.float32]:
        feeds = {"codes": state.codes, "drawn": np.ones(state.codes.shape[:3], np.bool_)}
        (pixels,) = self._draw.run(["pixels"], feeds, cancel)
        return np.asarray(pixels, np.float32)

    def close(self) -> None:
        for graph in (self._read, self._move, self._draw):
            graph.close()


def _side_by_side(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """All heads' [B, head, text, width] as [B, text, heads * width]."""
    return values.transpose(0, 2, 1, 3).reshape(len(values), values.shape[2], -1)
