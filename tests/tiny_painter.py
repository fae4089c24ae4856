"""A painter that draws without a model: each code is told, and what it read is known."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.checksums import file_entry
from mmgpt_desktop.engine.painting.painter_folder import (
    DRAW,
    FAMILY,
    FORMAT,
    PAINT,
    READ,
    PainterFolder,
)
from mmgpt_desktop.engine.painting.painter_runtime import CellToPaint, PaintedCell
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.painted import PaintSettings
from mmgpt_desktop.training.tokenizer import train_on
from mmgpt_desktop.writing import write_json

SIDE, CODES, PARTS, TEXT, SIZE, LAYERS, HEADS = 2, 5, 3, 6, 32, 2, 2


def write_painter(folder: Path) -> Path:
    """A folder whose graphs and weights are none."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_on(["A red rose. a dog on grass"] * 4, 300)
    tokenizer.save(str(folder / "tokenizer.json"))
    for name in (READ, PAINT, DRAW, "model.safetensors"):
        (folder / name).write_bytes(name.encode())
    write_json(folder / "manifest.json", manifest_of(folder))
    return folder


def manifest_of(folder: Path) -> dict[str, Any]:
    files = [path for path in folder.iterdir() if path.name != "manifest.json"]
    return {
        "format": FORMAT,
        "family": FAMILY,
        "name": folder.name,
        "version": "0",
        "description": "None.",
        "files": {path.name: file_entry(path) for path in files},
        "text_length": TEXT,
        "vocabulary": 300,
        "pad": 0,
        "layers": LAYERS,
        "side": SIDE,
        "codes": CODES,
        "codes_per_cell": PARTS,
        "size": SIZE,
        "settings": {"temperature": 1.0, "least": 0.02, "guidance": 3.0},
        "languages": ["en"],
        "taught": ["flowers"],
    }


@dataclass(eq=False)
class FakePainter:
    """The loudest code of the noise; cell n reads only the text's token n. `breaks_at` a cell."""

    name: RuntimeName
    breaks_at: int | None = None
    asked: list[tuple[NDArray[np.int64], PaintSettings]] = field(default_factory=list)
    closed: bool = False
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1))

    @property
    def info(self) -> RuntimeInfo:
        return RuntimeInfo(self.name, "CPUExecutionProvider")

    def read(self, ids: NDArray[np.int64], cancel: CancelToken) -> Any:
        cancel.raise_if_cancelled()
        return [ids]

    def paint(self, cell: CellToPaint, past: Any, cancel: CancelToken) -> PaintedCell:
        with self.gate:
            cancel.raise_if_cancelled()
        if cell.number == self.breaks_at:
            raise RuntimeFailure("It broke.")
        self.asked.append((cell.before, cell.settings))
        attention = np.zeros((len(cell.before), LAYERS, HEADS, TEXT), np.float32)
        attention[..., cell.number] = 0.5
        return PaintedCell(cell.noise.argmax(axis=-1), [*past, cell.number], attention)

    def draw(
        self, codes: NDArray[np.int64], drawn: NDArray[np.bool_], cancel: CancelToken
    ) -> NDArray[np.float32]:
        grey = codes[..., 0] / 2 - 1
        return np.repeat(np.kron(grey, np.ones((16, 16)))[:, None], 3, axis=1).astype(np.float32)

    def close(self) -> None:
        self.closed = True


def fake_maker(*painters: FakePainter) -> Any:
    """Hands these out by their runtimes' names; those that aren't there can't be had."""
    known = {painter.name: painter for painter in painters}

    def make(name: RuntimeName, folder: PainterFolder) -> FakePainter:
        if name not in known:
            raise RuntimeFailure("It isn't here.")
        return known[name]

    return make
