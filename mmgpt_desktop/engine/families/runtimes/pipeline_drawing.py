"""What all pipelines of diffusers share as they draw, step by step, in PyTorch: what each cell read
of the prompt is told by what computes it."""

from __future__ import annotations

import copy
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import diffusers
import numpy as np
import torch
from diffusers.utils import logging as diffusers_logging
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from transformers.utils import logging

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.model_files import ANOTHER
from mmgpt_desktop.engine.painting.painter_runtime import MovedPictures, Noise, PicturesToBegin
from mmgpt_desktop.engine.painting.pipeline_parts import Pipeline
from mmgpt_desktop.engine.pytorch import LOADING, RUNNING, require_whole, torch_failures
from mmgpt_desktop.engine.torch_device import Place, settle
from mmgpt_desktop.errors import RuntimeFailure

HINT = "Choose another model."
_CROSS = "attn2.processor"  # diffusers' name for what reads the words, at the end of a module's
Kinds = Mapping[str, tuple[Any, str]]
"""Of each part that has weights, the class, and what it calls a precision."""
Folder = TypeVar("Folder", bound=Pipeline)


class DrawnSoFar(NamedTuple):
    """Latents [B, channels, side, side] of B pictures in float32, or tokens [B, side, side], and
    what they would become; the words' states [B, text, width], after as many of no words where
    `guided`; and the scheduler, which remembers steps and so is this drawing's own, with what else
    its steps are told."""

    latents: Tensor
    end: Tensor
    words: Tensor
    scheduler: Any
    more: dict[str, Any]
    begun: PicturesToBegin

    @property
    def guided(self) -> bool:
        return leads(self.begun)


class PipelineDrawing(ABC, Generic[Folder]):
    """The `models` of its parts, of which the first one reads the words, and the pipeline's own
    scheduler. It can be cancelled between the first one's runs. One thread at a time. Raises
    RuntimeFailure."""

    kinds: ClassVar[Kinds]
    mended: ClassVar[Mapping[str, Any]] = {}
    """Settings of older schedulers that were mistakes, which their pipeline mends as well."""
    place: Place

    def __init__(self, folder: Folder, *, card: bool = True) -> None:
        self.folder = folder
        self.models: dict[str, Any] = {}
        self._seen: list[Tensor] = []  # in the latest step: [B, cell, text] of each layer
        self._pictures = 0
        settle(self._open, folder.parameters, card=card)
        self.info = self.place.info

    def _open(self, place: Place) -> None:
        self.place = place
        for library in (logging, diffusers_logging):
            library.disable_progress_bar()
            library.set_verbosity_error()
        with torch_failures(LOADING, HINT):
            self.scheduler = self._new_scheduler()
            self.models = {name: self._load(name) for name in self.kinds}
            first = self.models[next(iter(self.kinds))]
            first.set_attn_processor(self._processors(first.attn_processors))

    def _new_scheduler(self) -> Any:
        """Its class was looked at as the folder was opened."""
        kind = getattr(diffusers, self.folder.scheduling["_class_name"])
        takes = inspect.signature(kind).parameters
        mended = {name: each for name, each in self.mended.items() if name in takes}
        return kind.from_config({**self.folder.scheduling, **mended})

    def _load(self, name: str) -> Any:
        part, (kind, precision) = self.folder.parts[name], self.kinds[name]
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

    def _processors(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """A model's own, and where it reads the words, such as tell what is read."""
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
        pictures, side = self._pictures, self.folder.side
        query = module.head_to_batch_dim(module.to_q(cells[-pictures:]))
        key = module.head_to_batch_dim(module.to_k(words[-pictures:]))
        shares = module.get_attention_scores(query, key).float()
        read = shares.unflatten(0, (pictures, module.heads)).mean(dim=1).transpose(1, 2)
        own = math.isqrt(read.shape[-1])
        pooled = adaptive_avg_pool2d(read.unflatten(2, (own, own)), side)
        self._seen.append(pooled.flatten(2).transpose(1, 2))

    @abstractmethod
    def begin(self, pictures: PicturesToBegin, cancel: CancelToken) -> DrawnSoFar: ...

    @abstractmethod
    def advance(self, state: DrawnSoFar, time: Tensor) -> DrawnSoFar:
        """One run of the first model."""

    @abstractmethod
    def show(self, state: Any, cancel: CancelToken) -> NDArray[np.float32]: ...

    def begun_scheduler(self, steps: int) -> Any:
        """One for a drawing of its own. Some begin with several runs of the first model, and so
        can't take fewer steps."""
        scheduler = copy.deepcopy(self.scheduler)
        try:
            scheduler.set_timesteps(steps, device=self.place.device)
        except (ValueError, IndexError) as error:
            title = "This model needs more steps."
            raise RuntimeFailure(title, "Take more with --steps.") from error
        return scheduler

    def token_ids(self, pictures: PicturesToBegin) -> NDArray[np.int64]:
        """The prompt's for each picture, after as many of no words where these guide."""
        if not leads(pictures):
            return pictures.ids
        nothing = np.broadcast_to(self.folder.nothing, pictures.ids.shape)
        return np.concatenate([nothing, pictures.ids])

    def step(self, state: Any, number: int, cancel: CancelToken) -> MovedPictures:
        """Some schedulers run the model oftener than once a step: all its runs are shared out."""
        times, steps = state.scheduler.timesteps, state.begun.settings.steps
        first, stop = (each * len(times) // steps for each in (number, number + 1))
        self._seen.clear()
        self._pictures = len(state.latents)
        with torch_failures(RUNNING, HINT), torch.inference_mode():
            for time in times[first:stop]:
                cancel.raise_if_cancelled()
                state = self.advance(state, time)
            if stop == len(times):
                state = state._replace(end=state.latents)
            attention = torch.stack(self._seen).mean(dim=0)
            return MovedPictures(state, self.place.array(attention[:, None, None]))

    def close(self) -> None:
        self.models.clear()
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


def leads(pictures: PicturesToBegin) -> bool:
    """Whether no words are read beside the prompt's, to be led away from."""
    return pictures.settings.guidance > 1


def guided(found: Tensor, guidance: float) -> Tensor:
    """The words weigh more by classifier-free guidance (Ho and Salimans 2022, "Classifier-Free
    Diffusion Guidance"): `found` [2 B, ...] is of no words, and of the prompt."""
    untold, told = found.chunk(2)
    return untold + guidance * (told - untold)


def later_noise(noises: Sequence[Noise]) -> list[torch.Generator]:
    """What draws the noise of later steps, for each picture: seeded by the picture's own noise."""
    seeds = (int.from_bytes(each((1,)).tobytes(), "little") for each in noises)
    return [torch.Generator().manual_seed(seed) for seed in seeds]
