"""aMUSEd draws: at each step the tokens of which it is surest stay."""

from __future__ import annotations

from typing import Any, ClassVar

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPTextModelWithProjection

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.families.runtimes.pipeline_drawing import (
    HINT,
    DrawnSoFar,
    Kinds,
    PipelineDrawing,
    guided,
    later_noise,
)
from mmgpt_desktop.engine.painting.masked_folder import TOKEN_DECODER, TRANSFORMER, MaskedFolder
from mmgpt_desktop.engine.painting.painter_runtime import PicturesToBegin
from mmgpt_desktop.engine.painting.pipeline_parts import READER
from mmgpt_desktop.engine.pytorch import RUNNING, torch_failures

_BEAUTY = 6.0  # the pipeline's own mark for how the picture is to please


class MaskedDrawing(PipelineDrawing[MaskedFolder]):
    """The transformer, the decoder of tokens and the text encoder."""

    kinds: ClassVar[Kinds] = {
        TRANSFORMER: (diffusers.UVit2DModel, "torch_dtype"),
        TOKEN_DECODER: (diffusers.VQModel, "torch_dtype"),
        READER: (CLIPTextModelWithProjection, "dtype"),
    }

    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> DrawnSoFar:
        """All tokens are masked: what is drawn of each picture's noise is the guesses."""
        cancel.raise_if_cancelled()
        folder, place, count = self.folder, self.place, len(pictures.ids)
        ids = self.token_ids(pictures)
        size = float(folder.picture_size)
        with torch_failures(RUNNING, HINT), torch.inference_mode():
            scheduler = self.begun_scheduler(pictures.settings.steps)
            shape = count, folder.tokens_side, folder.tokens_side
            tokens = torch.full(shape, folder.mask, dtype=torch.long, device=place.device)
            read = self.models[READER](place.tensor(ids), output_hidden_states=True)
            about = torch.tensor([[size, size, 0.0, 0.0, _BEAUTY]], device=place.device)
            more = {
                "pooled_text_emb": read.text_embeds,
                "micro_conds": about.to(place.dtype).expand(len(ids), -1),
            }
            told = {"more": more, "noises": later_noise(pictures.noises)}
            words = read.hidden_states[-2]
            return DrawnSoFar(tokens, tokens, words, scheduler, told, pictures)

    def advance(self, state: DrawnSoFar, time: Tensor) -> DrawnSoFar:
        tokens = state.latents
        rows = torch.cat([tokens, tokens]) if state.guided else tokens
        found = self.models[TRANSFORMER](
            rows, encoder_hidden_states=state.words, **state.more["more"]
        ).float()
        if state.guided:
            found = guided(found, state.begun.settings.guidance)
        moved = [
            state.scheduler.step(found[row : row + 1], time, tokens[row : row + 1], generator=noise)
            for row, noise in enumerate(state.more["noises"])
        ]
        return state._replace(
            latents=torch.cat([each.prev_sample for each in moved]),
            end=torch.cat([each.pred_original_sample for each in moved]),
        )

    def show(self, state: Any, cancel: CancelToken) -> NDArray[np.float32]:
        """One picture after the other, as the guesses have it."""
        folder, decoder, shown = self.folder, self.models[TOKEN_DECODER], []
        shape = 1, folder.tokens_side, folder.tokens_side, folder.channels
        with torch_failures(RUNNING, HINT), torch.inference_mode():
            if self.place.dtype is torch.float16 and decoder.config.force_upcast:
                decoder.float()  # half precision overflows there
            for each in state.end:
                cancel.raise_if_cancelled()
                found = decoder.decode(each[None], force_not_quantize=True, shape=shape).sample
                shown.append(self.place.array(found.clip(0, 1) * 2 - 1))
        return np.concatenate(shown)
