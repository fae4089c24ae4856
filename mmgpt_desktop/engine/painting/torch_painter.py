"""Runs a painter with PyTorch: slower, but independent of ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.painter_folder import PainterFolder
from mmgpt_desktop.engine.painting.painter_runtime import CellToPaint, PaintedCell, floor, warmth
from mmgpt_desktop.engine.pytorch import LOADING, RUNNING, require_torch, torch_failures

if TYPE_CHECKING:
    from mmgpt_desktop.engine.torch_device import Place

_HINT = "Install the app's packages again, or use another runtime."


class TorchPainter:
    """The model itself, in float32. It can be cancelled between cells. Raises RuntimeFailure."""

    place: Place

    def __init__(self, folder: PainterFolder, *, card: bool = True) -> None:
        require_torch()
        with torch_failures(LOADING, _HINT):
            import torch

            from mmgpt_desktop.engine.torch_device import settle
            from mmgpt_desktop.model.painting.packed import PaintingModel

            self._torch = torch
            self._model = PaintingModel.load_packed(folder.path)
        numbers = sum(part.num_parameters() for part in self._model)
        settle(self._move, numbers, exact=True, card=card)
        self.info = self.place.info

    def _move(self, place: Place) -> None:
        with torch_failures(LOADING, _HINT):
            for part in self._model:
                self._torch.nn.Module.to(part, place.device)
        self.place = place

    def read(self, ids: NDArray[np.int64], cancel: CancelToken) -> Any:
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            return self._model.painter.read(self.place.tensor(ids))

    def paint(self, cell: CellToPaint, past: Any, cancel: CancelToken) -> PaintedCell:
        from mmgpt_desktop.model.painting.painter import CodeSampling

        cancel.raise_if_cancelled()
        settings = cell.settings
        numbers = warmth(settings), floor(settings), settings.guidance
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            tensor = self.place.tensor
            how = CodeSampling(
                tensor(cell.noise), *(tensor(np.array([each], np.float32)) for each in numbers)
            )
            stroke = self._model.painter.paint(
                tensor(cell.before),
                tensor(np.array([cell.number])),
                tensor(cell.visible),
                past,
                how,
            )
            codes = stroke.codes.cpu().numpy()
            return PaintedCell(codes, stroke.presents, self.place.array(stroke.attention))

    def draw(
        self, codes: NDArray[np.int64], drawn: NDArray[np.bool_], cancel: CancelToken
    ) -> NDArray[np.float32]:
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            tensor = self.place.tensor
            return self.place.array(self._model.coder.decode_some(tensor(codes), tensor(drawn)))

    def close(self) -> None:
        self.place.give_back()
