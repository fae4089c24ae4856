"""A graph in ONNX Runtime, fed with whatever it takes, in its own types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.graphs.graph_file import at_real_places, read_graph
from mmgpt_desktop.engine.onnx_runtime import make_session, run_session
from mmgpt_desktop.errors import AppError, CardFailure, RuntimeFailure
from mmgpt_desktop.text import safe_name

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


@contextmanager
def blamed(file: Path) -> Iterator[None]:
    """A failure in here is that file's, unless it is known better."""
    try:
        yield
    except CardFailure:
        raise
    except AppError as failure:
        failure.file = failure.file or file
        raise


class Graph:
    """A session and the names of what it takes and gives."""

    def __init__(
        self, path: Path, cuda: bool, edited: bytes | None = None, threads: int | None = None
    ) -> None:
        """`edited` replaces the file's graph; its weights stay beside the file."""
        self.name, self._path = path.name, path
        with blamed(path):
            self._open(path, cuda, edited, threads)

    def _open(self, path: Path, cuda: bool, edited: bytes | None, threads: int | None) -> None:
        model: str | bytes = str(path)
        folder = path.parent
        if edited is None:
            read_graph(path)  # refuses weights from outside the folder
        else:
            model, folder = at_real_places(edited, folder)
        self.session = make_session(model, folder, cuda, threads)
        self.inputs = {node.name: node for node in self.session.get_inputs()}
        # Kept, since the library makes them anew for whoever asks.
        self._kinds = {name: node.type for name, node in self.inputs.items()}
        self.shapes = {name: tuple(node.shape) for name, node in self.inputs.items()}
        self.outputs = [node.name for node in self.session.get_outputs()]

    def run(
        self, outputs: Sequence[str], feeds: Mapping[str, Any], cancel: CancelToken
    ) -> list[Any]:
        """Feeds that the graph does not take are left out."""
        with blamed(self._path):
            return run_session(self.session, outputs, self.fitted(self.inputs, feeds), cancel)

    def fitted(self, names: Sequence[str] | Mapping[str, Any], feeds: Mapping[str, Any]) -> Arrays:
        """The feeds of these inputs, as the graph takes them. Raises RuntimeFailure."""
        return {name: self._fitted(name, feeds) for name in names}

    def close(self) -> None:
        self.session = None

    def dtype(self, name: str) -> Any:
        kind = self._kinds[name]
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
        rank = len(self.shapes[name])
        if array.ndim == rank + 1 and array.shape[0] == 1:
            array = array[0]
        elif array.ndim == rank - 1:
            array = array[np.newaxis]
        return np.ascontiguousarray(array, self.dtype(name))
