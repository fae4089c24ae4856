"""Painters as they are shipped: the GPT's weights and those of the coder's decoder in one file, and
those of the flow that leans on both in another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import load
from torch import Tensor, nn

from mmgpt_desktop.model.packing import WEIGHTS, pack, unpack, write_tensors
from mmgpt_desktop.model.painting.flow_painter import FlowPainter
from mmgpt_desktop.model.painting.painter import MMGPTPainter
from mmgpt_desktop.model.painting.painter_config import (
    FlowPainterConfig,
    PainterConfig,
    PictureCoderConfig,
)
from mmgpt_desktop.model.painting.picture_coder import PictureCoder

PAINTER, CODER = "painter", "coder"
"""Where the parts' configurations lie, and what their weights' names begin with."""
_NOT_SHIPPED = f"{CODER}.encoder."


def _of_the_painter(name: str) -> bool:
    return name.startswith(f"{PAINTER}.")


class PaintingModel(NamedTuple):
    """The GPT, and the coder that makes a picture of its codes."""

    painter: MMGPTPainter
    coder: PictureCoder

    def save_packed(self, folder: Path) -> None:
        """Write weights and configurations; what makes codes of a picture stays behind."""
        write_tensors(_packed(self._asdict()), folder / WEIGHTS)
        self.painter.config.save_pretrained(folder / PAINTER)
        self.coder.config.save_pretrained(folder / CODER)

    @classmethod
    def load_packed(cls, folder: Path) -> PaintingModel:
        """In float32 and evaluation mode; the coder knows no way from a picture to codes."""
        model = cls(
            MMGPTPainter(PainterConfig.from_pretrained(folder / PAINTER)).eval(),
            PictureCoder(PictureCoderConfig.from_pretrained(folder / CODER)).eval(),
        )
        state: dict[str, Tensor] = unpack(load((folder / WEIGHTS).read_bytes()))
        parts = nn.ModuleDict(model._asdict())
        missing, unexpected = parts.load_state_dict(state, strict=False)
        wrong = [*unexpected, *(name for name in missing if not name.startswith(_NOT_SHIPPED))]
        if wrong:
            raise ValueError(f"weights do not fit the painter: {wrong[:3]}")
        return model


def _packed(parts: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    state = nn.ModuleDict(parts).state_dict()
    kept = {name: each for name, each in state.items() if not name.startswith(_NOT_SHIPPED)}
    return pack(kept, _of_the_painter)


def replace_coder(folder: Path, coder: PictureCoder) -> None:
    """Put another coder of the same codes in the place of a painter's; the GPT's weights stay as
    they are stored, which to pack once more would not."""
    stored: dict[str, Tensor] = load((folder / WEIGHTS).read_bytes())
    kept = {name: each for name, each in stored.items() if _of_the_painter(name)}
    write_tensors(kept | _packed({CODER: coder}), folder / WEIGHTS)
    coder.config.save_pretrained(folder / CODER)


def save_flow(model: FlowPainter, folder: Path) -> None:
    """Write weights and configuration; matrices are of 4 bits, but for the last one."""
    packed = pack(model.state_dict(), lambda name: not name.startswith("write."))
    write_tensors(packed, folder / WEIGHTS)
    model.config.save_pretrained(folder)


def load_flow(folder: Path) -> FlowPainter:
    """In float32 and evaluation mode."""
    model = FlowPainter(FlowPainterConfig.from_pretrained(folder))
    model.eval()
    model.load_state_dict(unpack(load((folder / WEIGHTS).read_bytes())))
    return model
