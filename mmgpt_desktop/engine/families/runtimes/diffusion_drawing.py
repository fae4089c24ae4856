"""Stable Diffusion draws: a UNet moves latents out of noise, and a decoder makes pixels of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPTextModel

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.families.runtimes.pipeline_drawing import (
    HINT,
    DrawnSoFar,
    Kinds,
    PipelineDrawing,
    guided,
    later_noise,
)
from mmgpt_desktop.engine.painting.diffusers_folder import DECODER, UNET, PipelineFolder
from mmgpt_desktop.engine.painting.painter_runtime import Noise, PicturesToBegin
from mmgpt_desktop.engine.painting.pipeline_parts import READER
from mmgpt_desktop.engine.pytorch import RUNNING, torch_failures


class DiffusionDrawing(PipelineDrawing[PipelineFolder]):
    """The UNet, the decoder and the text encoder; the scheduler is the pipeline's own."""

    kinds: ClassVar[Kinds] = {
        UNET: (diffusers.UNet2DConditionModel, "torch_dtype"),
        DECODER: (diffusers.AutoencoderKL, "torch_dtype"),
        READER: (CLIPTextModel, "dtype"),
    }
    mended: ClassVar[Mapping[str, Any]] = {"clip_sample": False, "steps_offset": 1}

    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> DrawnSoFar:
        cancel.raise_if_cancelled()
        settings, folder, place = pictures.settings, self.folder, self.place
        ids = self.token_ids(pictures)
        shape = folder.channels, folder.latent_side, folder.latent_side
        noise = torch.from_numpy(np.stack([each(shape) for each in pictures.noises]))
        with torch_failures(RUNNING, HINT), torch.inference_mode():
            scheduler = self.begun_scheduler(settings.steps)
            latents = noise.to(place.device) * scheduler.init_noise_sigma
            words = self.models[READER](place.tensor(ids))[0]
            more = _more_noise(scheduler, pictures.noises)
            return DrawnSoFar(latents, latents, words, scheduler, more, pictures)

    def advance(self, state: DrawnSoFar, time: Tensor) -> DrawnSoFar:
        latents, scheduler = state.latents, state.scheduler
        rows = torch.cat([latents, latents]) if state.guided else latents
        given = scheduler.scale_model_input(rows, time).to(self.place.dtype)
        found = self.models[UNET](given, time, encoder_hidden_states=state.words).sample.float()
        if state.guided:
            found = guided(found, state.begun.settings.guidance)
        moved = scheduler.step(found, time, latents, **state.more)
        end = getattr(moved, "pred_original_sample", None)
        if end is None:
            end = _without_noise(scheduler, found, time, latents)
        return state._replace(latents=moved.prev_sample, end=end)

    def show(self, state: Any, cancel: CancelToken) -> NDArray[np.float32]:
        """One picture after the other: the decoder takes more memory than all the rest."""
        shown, decoder = [], self.models[DECODER]
        scale = decoder.config.scaling_factor
        with torch_failures(RUNNING, HINT), torch.inference_mode():
            for each in state.end.to(self.place.dtype):
                cancel.raise_if_cancelled()
                shown.append(self.place.array(decoder.decode(each[None] / scale).sample))
        return np.concatenate(shown)


def _more_noise(scheduler: Any, noises: Sequence[Noise]) -> dict[str, Any]:
    """What a scheduler that adds noise at each step draws it with."""
    takes = "generator" in inspect.signature(scheduler.step).parameters
    return {"generator": later_noise(noises)} if takes else {}


def _without_noise(scheduler: Any, found: Tensor, time: Tensor, latents: Tensor) -> Tensor:
    """What latents would become if the noise in them were as the UNet `found` it; by the shares of
    picture and noise at that time (Ho et al. 2020, "Denoising Diffusion Probabilistic Models";
    Salimans and Ho 2022, "Progressive Distillation", for velocities)."""
    share: Tensor = scheduler.alphas_cumprod[int(time)].to(latents)
    picture, noise = share.sqrt(), (1 - share).sqrt()
    if scheduler.config.prediction_type == "sample":
        return found
    if scheduler.config.prediction_type == "v_prediction":
        return picture * latents - noise * found
    return (latents - noise * found) / picture
