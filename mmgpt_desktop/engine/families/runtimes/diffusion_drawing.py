"""Pipelines of diffusers draw, in PyTorch: step by step, with what each cell read of the prompt."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import diffusers
import numpy as np
import torch
from diffusers.utils import logging as diffusers_logging
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from transformers import CLIPTextModel
from transformers.utils import logging

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.model_files import ANOTHER
from mmgpt_desktop.engine.painting.diffusers_folder import DECODER, READER, UNET, PipelineFolder
from mmgpt_desktop.engine.painting.painter_runtime import MovedPictures, Noise, PicturesToBegin
from mmgpt_desktop.engine.pytorch import LOADING, RUNNING, require_whole, torch_failures
from mmgpt_desktop.engine.torch_device import Place, settle
from mmgpt_desktop.errors import RuntimeFailure

_HINT = "Choose another model."
_CROSS = "attn2.processor"  # diffusers' name for what reads the words, at the end of a module's
_MENDED = {"clip_sample": False, "steps_offset": 1}
_PARTS: dict[str, tuple[Any, str]] = {  # the class, and what it calls a precision
    UNET: (diffusers.UNet2DConditionModel, "torch_dtype"),
    DECODER: (diffusers.AutoencoderKL, "torch_dtype"),
    READER: (CLIPTextModel, "dtype"),
}


class _Drawn(NamedTuple):
    """Latents [B, channels, side, side] of B pictures in float32, and what they would become; the
    words' states [B, text, width], after as many of no words where `guided`; and the scheduler,
    which remembers steps and so is this drawing's own, with what else its steps are told."""

    latents: Tensor
    end: Tensor
    words: Tensor
    guided: bool
    scheduler: Any
    more: dict[str, Any]
    begun: PicturesToBegin


class DiffusionDrawing:
    """The UNet, the decoder and the text encoder; the scheduler is the pipeline's own. It can be
    cancelled between the UNet's runs. One thread at a time. Raises RuntimeFailure."""

    place: Place

    def __init__(self, folder: PipelineFolder, *, card: bool = True) -> None:
        self._folder = folder
        self._seen: list[Tensor] = []  # in the latest step: [B, cell, text] of each layer
        self._pictures = 0
        settle(self._open, folder.parameters, card=card)
        self.info = self.place.info

    def _open(self, place: Place) -> None:
        self.place = place
        for library in (logging, diffusers_logging):
            library.disable_progress_bar()
            library.set_verbosity_error()
        with torch_failures(LOADING, _HINT):
            self._scheduler = _scheduler(self._folder)
            self._unet, self._decoder, self._reader = (self._load(name) for name in _PARTS)
            self._unet.set_attn_processor(self._processors())

    def _load(self, name: str) -> Any:
        part, (kind, precision) = self._folder.parts[name], _PARTS[name]
        model, found = kind.from_pretrained(
            part.folder,
            use_safetensors=True,
            local_files_only=True,
            variant=part.variant,
            output_loading_info=True,
            **{precision: self.place.dtype},
        )
        require_whole(found["missing_keys"])
        return model.eval().to(self.place.device)

    def _processors(self) -> dict[str, Any]:
        """Those of the UNet, and where it reads the words, such as tell what is read."""
        own = self._unet.attn_processors
        if not any(name.endswith(_CROSS) for name in own):
            title = "The model does not read its words by cross-attention, so it can't draw here."
            raise RuntimeFailure(title, ANOTHER)
        return {
            name: _TellingProcessor(each, self._tell) if name.endswith(_CROSS) else each
            for name, each in own.items()
        }

    def _tell(self, module: Any, cells: Tensor, words: Tensor) -> None:
        """Keep what cells [rows, cell, width] read of the words [rows, text, width]: the mean over
        heads, of squares of cells as large as a map's."""
        pictures, side = self._pictures, self._folder.side
        query = module.head_to_batch_dim(module.to_q(cells[-pictures:]))
        key = module.head_to_batch_dim(module.to_k(words[-pictures:]))
        shares = module.get_attention_scores(query, key).float()
        read = shares.unflatten(0, (pictures, module.heads)).mean(dim=1).transpose(1, 2)
        own = math.isqrt(read.shape[-1])
        pooled = adaptive_avg_pool2d(read.unflatten(2, (own, own)), side)
        self._seen.append(pooled.flatten(2).transpose(1, 2))

    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> _Drawn:
        cancel.raise_if_cancelled()
        settings, folder, place = pictures.settings, self._folder, self.place
        guided = settings.guidance > 1
        ids = pictures.ids
        if guided:
            ids = np.concatenate([np.broadcast_to(folder.nothing, ids.shape), ids])
        shape = folder.channels, folder.latent_side, folder.latent_side
        noise = torch.from_numpy(np.stack([each(shape) for each in pictures.noises]))
        with torch_failures(RUNNING, _HINT), torch.inference_mode():
            scheduler = copy.deepcopy(self._scheduler)
            _set_steps(scheduler, settings.steps, place)
            latents = noise.to(place.device) * scheduler.init_noise_sigma
            words = self._reader(place.tensor(ids))[0]
            more = _more_noise(scheduler, pictures.noises)
            return _Drawn(latents, latents, words, guided, scheduler, more, pictures)

    def step(self, state: Any, number: int, cancel: CancelToken) -> MovedPictures:
        """Some schedulers run the UNet oftener than once a step: all its runs are shared out."""
        times, steps = state.scheduler.timesteps, state.begun.settings.steps
        first, stop = (each * len(times) // steps for each in (number, number + 1))
        self._seen.clear()
        self._pictures = len(state.latents)
        with torch_failures(RUNNING, _HINT), torch.inference_mode():
            for time in times[first:stop]:
                cancel.raise_if_cancelled()
                state = self._advance(state, time)
            if stop == len(times):
                state = state._replace(end=state.latents)
            attention = torch.stack(self._seen).mean(dim=0)
            return MovedPictures(state, self.place.array(attention[:, None, None]))

    def _advance(self, state: _Drawn, time: Tensor) -> _Drawn:
        """One run of the UNet; the words weigh more by classifier-free guidance (Ho and Salimans
        2022, "Classifier-Free Diffusion Guidance")."""
        latents, scheduler = state.latents, state.scheduler
        rows = torch.cat([latents, latents]) if state.guided else latents
        given = scheduler.scale_model_input(rows, time).to(self.place.dtype)
        found = self._unet(given, time, encoder_hidden_states=state.words).sample.float()
        if state.guided:
            untold, told = found.chunk(2)
            found = untold + state.begun.settings.guidance * (told - untold)
        moved = scheduler.step(found, time, latents, **state.more)
        end = getattr(moved, "pred_original_sample", None)
        if end is None:
            end = _without_noise(scheduler, found, time, latents)
        return state._replace(latents=moved.prev_sample, end=end)

    def show(self, state: Any, cancel: CancelToken) -> NDArray[np.float32]:
        """One picture after the other: the decoder takes more memory than all the rest."""
        shown, scale = [], self._decoder.config.scaling_factor
        with torch_failures(RUNNING, _HINT), torch.inference_mode():
            for each in state.end.to(self.place.dtype):
                cancel.raise_if_cancelled()
                shown.append(self.place.array(self._decoder.decode(each[None] / scale).sample))
        return np.concatenate(shown)

    def close(self) -> None:
        self._unet = self._decoder = self._reader = None
        self._seen.clear()
        self.place.give_back()


class _TellingProcessor:
    """Does what the `usual` processor of an attention module does, and tells what goes in."""

    def __init__(self, usual: Any, tell: Callable[[Any, Tensor, Tensor], None]) -> None:
        self._usual, self._tell = usual, tell

    def __call__(
        self,
        module: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        self._tell(module, hidden_states, encoder_hidden_states)
        done: Tensor = self._usual(module, hidden_states, encoder_hidden_states, attention_mask)
        return done


def _scheduler(folder: PipelineFolder) -> Any:
    """`open_pipeline` looked at its class. Some settings of older checkpoints were mistakes, which
    Stable Diffusion's pipeline mends as well."""
    kind = getattr(diffusers, folder.scheduling["_class_name"])
    takes = inspect.signature(kind).parameters
    mended = {name: each for name, each in _MENDED.items() if name in takes}
    return kind.from_config({**folder.scheduling, **mended})


def _set_steps(scheduler: Any, steps: int, place: Place) -> None:
    """Some begin with several runs of the UNet, and so can't take fewer."""
    try:
        scheduler.set_timesteps(steps, device=place.device)
    except (ValueError, IndexError) as error:
        raise RuntimeFailure("This model needs more steps.", "Take more with --steps.") from error


def _more_noise(scheduler: Any, noises: Sequence[Noise]) -> dict[str, Any]:
    """What a scheduler that adds noise at each step draws it with: a generator for each picture,
    seeded by the picture's own noise."""
    if "generator" not in inspect.signature(scheduler.step).parameters:
        return {}
    seeds = (int.from_bytes(each((1,)).tobytes(), "little") for each in noises)
    return {"generator": [torch.Generator().manual_seed(seed) for seed in seeds]}


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
