"""Moves pictures out of noise with PyTorch: slower, but independent of ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.flow_folder import FlowFolder
from mmgpt_desktop.engine.painting.painter_runtime import MovedPictures, PicturesToBegin
from mmgpt_desktop.engine.pytorch import LOADING, RUNNING, require_torch, torch_failures

if TYPE_CHECKING:
    from torch import Tensor

    from mmgpt_desktop.engine.torch_device import Place

_HINT = "Install the app's packages again, or use another runtime."


class _Moving(NamedTuple):
    """Cells [B, cells, channels], where they would end, and what stays the same."""

    cells: Tensor
    end: Tensor
    states: Tensor
    begun: PicturesToBegin


class TorchFlow:
    """The models themselves, in float32. It can be cancelled between steps. Raises
    RuntimeFailure."""

    place: Place

    def __init__(self, folder: FlowFolder, *, card: bool = True) -> None:
        require_torch()
        with torch_failures(LOADING, _HINT):
            import torch

            from mmgpt_desktop.engine.torch_device import settle
            from mmgpt_desktop.model.painting.packed import PaintingModel, load_flow

            self._torch = torch
            self._flow, self._frozen = (
                load_flow(folder.path),
                PaintingModel.load_packed(folder.painter.path),
            )
        numbers = sum(part.num_parameters() for part in (self._flow, *self._frozen))
        settle(self._move, numbers, exact=True, card=card)
        self.info = self.place.info

    def _move(self, place: Place) -> None:
        with torch_failures(LOADING, _HINT):
            for part in (self._flow, *self._frozen):
                self._torch.nn.Module.to(part, place.device)
        self.place = place

    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> _Moving:
        cancel.raise_if_cancelled()
        config = self._flow.config
        shape = config.cells, config.channels
        noise = np.stack([each(shape) for each in pictures.noises])
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            tensor, reader = self.place.tensor, self._frozen.painter
            states = reader.text_states(tensor(pictures.ids), config.text_layers)
            cells = tensor(noise)
            return _Moving(cells, cells, states, pictures)

    def step(self, state: Any, number: int, cancel: CancelToken) -> MovedPictures:
        cancel.raise_if_cancelled()
        settings = state.begun.settings
        numbers = number / settings.steps, 1 / settings.steps, settings.guidance
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            tensor = self.place.tensor
            found = self._flow.advance(
                state.cells,
                state.states,
                tensor(state.begun.visible),
                *(tensor(np.array([each], np.float32)) for each in numbers),
            )
            after = state._replace(cells=found.cells, end=found.end)
            return MovedPictures(after, self.place.array(found.attention))

    def show(self, state: Any, cancel: CancelToken) -> NDArray[np.float32]:
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), self._torch.inference_mode():
            coder = self._frozen.coder
            codes = coder.quantizer.nearest(state.end)
            side = coder.config.side
            return self.place.array(coder.decode(codes.unflatten(1, (side, side))))

    def close(self) -> None:
        self.place.give_back()
