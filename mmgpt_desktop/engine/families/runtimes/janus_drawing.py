"""Janus draws, in PyTorch: cell by cell, with what each cell read of the prompt."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import DynamicCache, JanusForConditionalGeneration
from transformers.utils import logging

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.painting.painter_runtime import CellToPaint, PaintedCell, floor, warmth
from mmgpt_desktop.engine.pytorch import LOADING, RUNNING, require_whole, torch_failures
from mmgpt_desktop.engine.torch_device import Place, settle

_HINT = "Choose another model."
_HIDDEN = -1e9
_READS = ("vision_model", "aligner")  # what only reading needs


class JanusDrawing:
    """Rows are the pictures, then as many without words; a prompt's `past` is a cache. It can be
    cancelled between cells. Raises RuntimeFailure."""

    place: Place

    def __init__(self, checkpoint: Checkpoint, begin: int, *, card: bool = True) -> None:
        self._begin = begin
        settle(partial(self._open, checkpoint), checkpoint.parameters, card=card)
        self.info = self.place.info

    def _open(self, checkpoint: Checkpoint, place: Place) -> None:
        self.place = place
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        with torch_failures(LOADING, _HINT):
            kind: Any = JanusForConditionalGeneration
            model, found = kind.from_pretrained(
                checkpoint.path,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                dtype=place.dtype,
                attn_implementation={"": "eager", "text_config": "eager"},
            )
            require_whole(found["missing_keys"])
            for part in _READS:
                delattr(model.model, part)
            self._model = model.eval().to(place.device)

    def read(self, ids: NDArray[np.int64], cancel: CancelToken) -> Any:
        """The whole prompt, whose last token is where a picture begins; what comes of it is the
        first cell's."""
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), torch.inference_mode():
            told = self.place.tensor(ids)
            model, config = self._model, self._model.generation_config
            kept = (told == self._begin) | (told == _id(config.bos_token_id, -1))
            blank = torch.full_like(told, _id(config.pad_token_id, 0))
            rows = torch.cat([told, torch.where(kept, told, blank)])
            cache = DynamicCache(config=model.config.get_text_config())
            return _Past(self._step(model.get_input_embeddings()(rows), cache), cache, len(ids[0]))

    def paint(self, cell: CellToPaint, past: Any, cancel: CancelToken) -> PaintedCell:
        cancel.raise_if_cancelled()
        settings = cell.settings
        with torch_failures(RUNNING, _HINT), torch.inference_mode():
            seen = past.seen
            if cell.number:
                before = self.place.tensor(cell.before)
                rows = torch.cat([before, before])
                embedded = self._model.prepare_embeddings_for_image_generation(rows)
                seen = self._step(embedded, past.cache)
            told, untold = self._model.model.generation_head(seen.hidden).float().chunk(2)
            warm = (untold + settings.guidance * (told - untold)) / warmth(settings)
            least = warm.amax(dim=-1, keepdim=True) + float(np.log(floor(settings)))
            warm = torch.where(warm < least, _HIDDEN, warm)
            codes = (warm + self.place.tensor(cell.noise)[:, 0].float()).argmax(
                dim=-1, keepdim=True
            )
            read = seen.attention[: len(codes), ..., : past.text]
            after = past if not cell.number else _Past(seen, past.cache, past.text)
            return PaintedCell(codes.cpu().numpy(), after, self.place.array(read.float()))

    def draw(
        self, codes: NDArray[np.int64], drawn: NDArray[np.bool_], cancel: CancelToken
    ) -> NDArray[np.float32]:
        """Where no cell is drawn yet stands code 0: nothing of it is shown."""
        del drawn
        cancel.raise_if_cancelled()
        with torch_failures(RUNNING, _HINT), torch.inference_mode():
            flat = self.place.tensor(codes).flatten(1)
            return self.place.array(self._model.model.vqmodel.decode(flat).float())

    def close(self) -> None:
        self._model = None
        self.place.give_back()

    def _step(self, embedded: Tensor, cache: DynamicCache) -> _Seen:
        found = self._model.model.language_model(
            inputs_embeds=embedded, past_key_values=cache, use_cache=True, output_attentions=True
        )
        weights = [each[:, :, -1] for each in found.attentions]
        return _Seen(found.last_hidden_state[:, -1], torch.stack(weights, dim=1))


class _Seen:
    """The last position of all rows: hidden state [2 B, width], and what it read,
    [2 B, layer, head, position]."""

    def __init__(self, hidden: Tensor, attention: Tensor) -> None:
        self.hidden, self.attention = hidden, attention


class _Past:
    """The last position that was read, the cache, and how many tokens the text has."""

    def __init__(self, seen: _Seen, cache: DynamicCache, text: int) -> None:
        self.seen, self.cache, self.text = seen, cache, text


def _id(value: Any, instead: int) -> int:
    """A token's number; settings may name several, or none."""
    first = value[0] if isinstance(value, list | tuple) and value else value
    return int(first) if isinstance(first, int) else instead
