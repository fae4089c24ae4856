"""A trained painter that begins with noise, as the folder that the app opens."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from mmgpt_desktop import __version__
from mmgpt_desktop.engine.folder.checksums import file_entry
from mmgpt_desktop.engine.folder.model_files import CONFIG, MANIFEST, WEIGHTS
from mmgpt_desktop.engine.painting.flow_folder import FLOW_FAMILY, FLOW_FORMAT, MOVE
from mmgpt_desktop.engine.painting.painter_folder import PainterFolder, open_painter
from mmgpt_desktop.model.painting.flow_painter import FlowPainter
from mmgpt_desktop.model.painting.packed import CODER, load_flow, save_flow
from mmgpt_desktop.model.painting.painter_config import FlowPainterConfig, PictureCoderConfig
from mmgpt_desktop.model.painting.quantizer import ScalarQuantizer
from mmgpt_desktop.painted import PaintSettings
from mmgpt_desktop.training.embedded_graphs import traced_graph, write_graph
from mmgpt_desktop.training.painting.flow_training import FLOW
from mmgpt_desktop.writing import write_json

DESCRIPTION = (
    "Our own painter, in the way of Imagen: a flow of {millions} million parameters moves noise to"
    " a picture of {size} pixels, all of it at once."
)
SETTINGS = PaintSettings(guidance=4.0, steps=24)


def pack_flow(work: Path, painter: Path, out: Path) -> Path:
    """The last stage's model as a folder beside that `painter`'s, on which it leans."""
    model = FlowPainter.from_pretrained(work / "painting" / FLOW).eval()
    build_flow(model, open_painter(painter), out)
    return out


def build_flow(model: FlowPainter, painter: PainterFolder, folder: Path) -> None:
    """Write weights, graph and manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    save_flow(model, folder)
    packed, reader = load_flow(folder), painter.manifest
    coder = PictureCoderConfig.from_pretrained(painter.path / CODER)
    quantizer = ScalarQuantizer(coder.levels, coder.codes_per_cell)
    write_graph(_move_graph(packed, quantizer), folder / MOVE)
    manifest = {
        "format": FLOW_FORMAT,
        "family": FLOW_FAMILY,
        "name": folder.name,
        "version": __version__,
        "description": DESCRIPTION.format(
            millions=round(packed.num_parameters() / 1e6), size=reader.size
        ),
        "files": {name: file_entry(folder / name) for name in sorted((CONFIG, MOVE, WEIGHTS))},
        "painter": {"name": painter.path.name, "sha256": reader.files[WEIGHTS].sha256},
        "text_layers": list(packed.config.text_layers),
        "layers": packed.config.num_hidden_layers,
        "channels": packed.config.channels,
        "settings": asdict(SETTINGS),
    }
    write_json(folder / MANIFEST, manifest)


class _Move(nn.Module):
    """A step, and the codes nearest to where the cells would end."""

    def __init__(self, model: FlowPainter, quantizer: ScalarQuantizer) -> None:
        super().__init__()
        self.model, self.quantizer = model.eval(), quantizer

    def forward(
        self,
        cells: Tensor,
        states: Tensor,
        visible: Tensor,
        time: Tensor,
        span: Tensor,
        guidance: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        found = self.model.advance(cells, states, visible, time, span, guidance)
        side = self.model.config.side
        codes = self.quantizer.nearest(found.end).unflatten(1, (side, side))
        return found.cells, codes, found.attention


def _move_graph(
    model: FlowPainter, quantizer: ScalarQuantizer, pictures: int = 2, length: int = 24
) -> onnx.ModelProto:
    """For any number of pictures at once, and any length of text."""
    config: FlowPainterConfig = model.config
    batch, text = torch.export.Dim("pictures"), torch.export.Dim("text")
    example = (
        torch.randn(pictures, config.cells, config.channels),
        torch.randn(pictures, length, config.text_width),
        torch.ones(pictures, length, dtype=torch.bool),
        *(torch.ones(1) for _ in range(3)),
    )
    inputs = ["cells", "states", "visible", "time", "span", "guidance"]
    shapes = {
        "cells": {0: batch},
        **{name: {0: batch, 1: text} for name in ("states", "visible")},
        **dict.fromkeys(("time", "span", "guidance")),
    }
    return traced_graph(
        _Move(model, quantizer), example, inputs, ["moved", "codes", "attention"], shapes
    )
