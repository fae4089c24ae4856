"""The ONNX graphs of a painter: it reads a sentence, paints a cell, and draws what is painted."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from mmgpt_desktop.engine.painting.painter_folder import DRAW, PAINT, READ
from mmgpt_desktop.model.decoder import KeyValue
from mmgpt_desktop.model.painting.packed import CODER, PAINTER, PaintingModel
from mmgpt_desktop.model.painting.painter import CodeSampling, MMGPTPainter
from mmgpt_desktop.model.painting.picture_coder import PictureCoder
from mmgpt_desktop.training.embedded_graphs import traced_graph, write_graph


class _Part(nn.Module):
    """Its weights' names are those of the packed ones, after "model."."""

    def __init__(self, model: PaintingModel) -> None:
        super().__init__()
        self.model = nn.ModuleDict(model._asdict())
        self.eval()

    @property
    def painter(self) -> MMGPTPainter:
        found = self.model[PAINTER]
        assert isinstance(found, MMGPTPainter)
        return found

    @property
    def coder(self) -> PictureCoder:
        found = self.model[CODER]
        assert isinstance(found, PictureCoder)
        return found


class _Read(_Part):
    def forward(self, input_ids: Tensor) -> list[KeyValue]:
        return self.painter.read(input_ids)


class _Paint(_Part):
    def forward(
        self,
        before: Tensor,
        cell: Tensor,
        visible: Tensor,
        noise: Tensor,
        temperature: Tensor,
        least: Tensor,
        guidance: Tensor,
        past: list[KeyValue],
    ) -> tuple[Tensor, list[KeyValue], Tensor]:
        how = CodeSampling(noise, temperature, least, guidance)
        stroke = self.painter.paint(before, cell, visible, past, how)
        return stroke.codes, stroke.presents, stroke.attention


class _Draw(_Part):
    def forward(self, codes: Tensor, drawn: Tensor) -> Tensor:
        return self.coder.decode_some(codes, drawn)


def export_painter(model: PaintingModel, folder: Path) -> None:
    """Write the graphs beside the packed weights. For any number of pictures at once."""
    config = model.painter.config
    layers = range(config.num_hidden_layers)
    kinds = [f"{kind}.{layer}" for layer in layers for kind in ("keys", "values")]
    pictures, parts = 2, config.codes_per_cell
    text = torch.ones(pictures, config.text_length, dtype=torch.long)
    batch, length = torch.export.Dim("pictures"), torch.export.Dim.DYNAMIC
    write_graph(
        traced_graph(_Read(model), (text,), ["input_ids"], kinds, {"input_ids": {0: batch}}),
        folder / READ,
    )
    gpt = config.gpt()
    shape = 2 * pictures, gpt.num_attention_heads, config.text_length + 3, gpt.head_dim
    past = [(torch.randn(shape), torch.randn(shape)) for _ in layers]
    rows = {0: 2 * batch, 2: length}
    example = (
        torch.zeros(pictures, parts, dtype=torch.long),
        torch.tensor([3]),
        torch.ones(pictures, config.text_length, dtype=torch.bool),
        torch.zeros(pictures, parts, config.codes),
        *(torch.ones(1) for _ in range(3)),
        past,
    )
    inputs = ["before", "cell", "visible", "noise", "temperature", "least", "guidance"]
    shapes = {
        **{name: {0: batch} for name in ("before", "visible", "noise")},
        **dict.fromkeys(("cell", "temperature", "least", "guidance")),
        "past": [(rows, rows) for _ in layers],
    }
    write_graph(
        traced_graph(
            _Paint(model),
            example,
            [*inputs, *(f"past_{kind}" for kind in kinds)],
            ["codes", *(f"present_{kind}" for kind in kinds), "attention"],
            shapes,
        ),
        folder / PAINT,
    )
    codes = torch.zeros(pictures, config.side, config.side, parts, dtype=torch.long)
    drawn = torch.ones(pictures, config.side, config.side, dtype=torch.bool)
    write_graph(
        traced_graph(
            _Draw(model),
            (codes, drawn),
            ["codes", "drawn"],
            ["pixels"],
            {"codes": {0: batch}, "drawn": {0: batch}},
        ),
        folder / DRAW,
    )
