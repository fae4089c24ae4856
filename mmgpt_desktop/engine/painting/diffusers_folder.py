"""Pipelines of diffusers as painters: Stable Diffusion and its turbo kinds.

Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models": a UNet moves a
small picture of many channels (latents) out of noise, reads the words by cross-attention as it
does, and a decoder makes pixels of it. Each part lies in a folder of its own, with its settings.
Of `model_index.json` only parts are used that are known here: no code of a folder is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmgpt_desktop.engine.chat.image_values import whole_number
from mmgpt_desktop.engine.folder.model_files import ANOTHER, PIPELINE, read_object
from mmgpt_desktop.engine.painting.masked_folder import MASKED, open_masked
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.engine.painting.pipeline_parts import (
    LARGEST,
    MOST_SIDE,
    READER,
    SCHEDULER,
    TOKENIZER,
    TOKENIZERS,
    WIDEST,
    Pipeline,
    PipelinePart,
    numbers_of,
    open_parts,
)
from mmgpt_desktop.engine.pytorch import require_diffusers
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.painted import PaintSettings
from mmgpt_desktop.text import safe_name

UNET, DECODER = "unet", "vae"
_LATENT = "StableDiffusionPipeline"
_KINDS = {  # of each part, those that are known here
    UNET: ("UNet2DConditionModel",),
    DECODER: ("AutoencoderKL",),
    READER: ("CLIPTextModel",),
    TOKENIZER: TOKENIZERS,
    SCHEDULER: (
        "DDIMScheduler",
        "DDPMScheduler",
        "DEISMultistepScheduler",
        "DPMSolverMultistepScheduler",
        "EulerAncestralDiscreteScheduler",
        "EulerDiscreteScheduler",
        "HeunDiscreteScheduler",
        "PNDMScheduler",
        "UniPCMultistepScheduler",
    ),
}
_MORE_THAN_WORDS = (  # what a UNet reads besides, where its settings say so
    *("addition_embed_type", "class_embed_type", "encoder_hid_dim", "encoder_hid_dim_type"),
    *("num_class_embeds", "time_cond_proj_dim"),
)
_COUNTS = (  # of layers: a part, the setting, what it is unsaid, and the most
    (UNET, "layers_per_block", 2, 32),
    (UNET, "transformer_layers_per_block", 1, 32),
    (DECODER, "layers_per_block", 1, 32),
    (READER, "num_hidden_layers", 12, 256),
    (SCHEDULER, "num_train_timesteps", 1000, 10_000),
    (SCHEDULER, "solver_order", 2, 3),
)
_MOST_CELLS = 64  # along a side of a map, as sessions keep it
_LATENTS = 4  # channels, unsaid
_PLAIN = PaintSettings(temperature=1.0, least=0.0, guidance=7.5, steps=30)
_TURBO = PaintSettings(temperature=1.0, least=0.0, guidance=1.0, steps=4)


class PipelineFolder(Pipeline):
    """Its `side` cells are those of the UNet's last level but one: 16 of 512 pixels, where words'
    places are clearest (Hertz et al. 2023, "Prompt-to-Prompt")."""

    def __init__(self, path: Path, parts: Mapping[str, PipelinePart]) -> None:
        super().__init__(path, parts)
        unet, decoder, reader = (parts[name].config for name in (UNET, DECODER, READER))
        for part, name, unsaid, most in _COUNTS:
            numbers_of(parts[part].config, name, unsaid, most)
        levels = len(numbers_of(unet, "block_out_channels", (320, 640, 1280, 1280), WIDEST))
        halvings = len(numbers_of(decoder, "block_out_channels", (64,), WIDEST)) - 1
        self.latent_side = whole_number(unet, "sample_size", 64, MOST_SIDE)
        self.channels = whole_number(unet, "in_channels", _LATENTS, WIDEST)
        self.picture_size = self.latent_side << halvings
        self.side = max(1, self.latent_side >> max(0, levels - 2))
        while self.side > _MOST_CELLS:
            self.side //= 2
        self._require_fit(unet, decoder, reader)

    def _require_fit(
        self, unet: Mapping[str, Any], decoder: Mapping[str, Any], reader: Mapping[str, Any]
    ) -> None:
        if self.picture_size > LARGEST:
            raise ValueError("its pictures are too large.")
        ends = (unet, "out_channels"), (decoder, "latent_channels")
        if any(whole_number(*each, _LATENTS, WIDEST) != self.channels for each in ends):
            raise ValueError("the UNet's latents are not those of its decoder.")
        width = whole_number(reader, "hidden_size", 512, WIDEST)
        if set(numbers_of(unet, "cross_attention_dim", 1280, WIDEST)) != {width}:
            raise ValueError("the UNet can't read what the text encoder writes.")

    @property
    def usual(self) -> PaintSettings:
        return _TURBO if _is_turbo(self.scheduling) else _PLAIN

    def with_torch(self, *, card: bool) -> PainterRuntime:
        from mmgpt_desktop.engine.families.runtimes.diffusion_drawing import DiffusionDrawing

        return DiffusionDrawing(self, card=card)


def open_pipeline(path: Path) -> Pipeline:
    """Read a pipeline's settings and look at its weights, which are safetensors or refused.

    Raises BundleError, and RuntimeFailure where diffusers or PyTorch isn't installed.
    """
    index = read_object(path / PIPELINE)
    kind = str(index.get("_class_name"))
    openers = {_LATENT: _open_latent, MASKED: open_masked}
    if kind not in openers:
        title = "Pipelines of the kind {kind} can't draw here."
        hint = "These can: {known}."
        known = ", ".join(openers)
        raise BundleError(title, hint, kind=safe_name(kind), known=known)
    require_diffusers()
    try:
        return openers[kind](path, index)
    except ValueError as error:
        title = "The model's parts don't fit together: {reason}"
        raise BundleError(title, ANOTHER, reason=str(error)) from error


def _open_latent(path: Path, index: Mapping[str, Any]) -> Pipeline:
    parts = open_parts(path, index, _KINDS)
    _refuse_more(parts)
    return PipelineFolder(path, parts)


def _refuse_more(parts: Mapping[str, PipelinePart]) -> None:
    """Raises BundleError for what the settings ask for beside the words."""
    for name in _MORE_THAN_WORDS:
        if parts[UNET].config.get(name) is not None:
            title = "The model draws by more than words ({name}), which can't be given here."
            raise BundleError(title, ANOTHER, name=name)


def _is_turbo(scheduling: Mapping[str, Any]) -> bool:
    """Whether few steps without guidance are enough, as far as the scheduler's settings tell: so
    are SD-Turbo's (Sauer et al. 2023, "Adversarial Diffusion Distillation"), a name may be any."""
    euler = str(scheduling.get("_class_name")).startswith("Euler")
    trailing = scheduling.get("timestep_spacing") == "trailing"
    return euler and trailing and not scheduling.get("rescale_betas_zero_snr")
