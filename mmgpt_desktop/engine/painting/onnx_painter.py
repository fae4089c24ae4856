"""Runs a painter's graphs with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.graphs.graph_session import Graph
from mmgpt_desktop.engine.onnx_runtime import PRECISION, run_on_card, wants_cuda
from mmgpt_desktop.engine.painting.painter_folder import DRAW, PAINT, READ, PainterFolder
from mmgpt_desktop.engine.painting.painter_runtime import CellToPaint, PaintedCell, floor, warmth
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName


class OnnxPainter:
    """A session for each graph, all on one provider; on the card keys and values stay there.

    Raises RuntimeFailure if a session can't be made or the provider is not the one asked for.
    """

    def __init__(self, folder: PainterFolder, name: RuntimeName) -> None:
        self._cuda = wants_cuda(name)
        layers = range(folder.manifest.layers)
        self._kept = [f"{kind}.{layer}" for layer in layers for kind in ("keys", "values")]
        self._read, self._paint, self._draw = (
            Graph(folder.path / file, self._cuda) for file in (READ, PAINT, DRAW)
        )
        provider = self._paint.session.get_providers()[0]
        self.info = RuntimeInfo(name, provider, precision=PRECISION)

    def read(self, ids: NDArray[np.int64], cancel: CancelToken) -> list[Any]:
        return self._run(self._read, self._kept, {"input_ids": ids}, self._kept, cancel)

    def paint(self, cell: CellToPaint, past: list[Any], cancel: CancelToken) -> PaintedCell:
        numbers = {
            "temperature": warmth(cell.settings),
            "least": floor(cell.settings),
            "guidance": cell.settings.guidance,
        }
        feeds = {
            "before": cell.before,
            "cell": np.array([cell.number], np.int64),
            "visible": cell.visible,
            "noise": cell.noise,
            **{name: np.array([each], np.float32) for name, each in numbers.items()},
            **{f"past_{name}": each for name, each in zip(self._kept, past, strict=True)},
        }
        kept = [f"present_{name}" for name in self._kept]
        codes, attention, *present = self._run(
            self._paint, ["codes", "attention", *kept], feeds, kept, cancel
        )
        return PaintedCell(codes, present, attention)

    def draw(
        self, codes: NDArray[np.int64], drawn: NDArray[np.bool_], cancel: CancelToken
    ) -> NDArray[np.float32]:
        (pixels,) = self._run(self._draw, ["pixels"], {"codes": codes, "drawn": drawn}, (), cancel)
        return np.asarray(pixels, np.float32)

    def close(self) -> None:
        for graph in (self._read, self._paint, self._draw):
            graph.close()

    def _run(
        self,
        graph: Graph,
        outputs: Sequence[str],
        feeds: Mapping[str, Any],
        kept: Sequence[str],
        cancel: CancelToken,
    ) -> list[Any]:
        if self._cuda:
            return run_on_card(graph.session, outputs, feeds, cancel, kept=kept)
        return graph.run(outputs, feeds, cancel)
