"""A Stable Diffusion pipeline with small random weights, as a folder."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import (
    AmusedPipeline,
    AmusedScheduler,
    AutoencoderKL,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    UVit2DModel,
    VQModel,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.painting.painter_runtime import Noise
from mmgpt_desktop.painted import PaintOutcome, PaintRequest, PaintSettings, PaintStep

START, END = "<|startoftext|>", "<|endoftext|>"
TEXT, SIDE, SIZE, CODES = 12, 8, 16, 24
MERGES = ["r e", "re d</w>", "r o", "ro s", "ros e</w>"]
_NOISE: dict[str, Any] = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
}


def scheduler_of(kind: str = "DDIMScheduler", **changed: Any) -> Any:
    """With Stable Diffusion's noise, and such other settings."""
    own: dict[str, dict[str, Any]] = {
        "DDIMScheduler": {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1},
        "DDPMScheduler": {"clip_sample": False},
        "PNDMScheduler": {"skip_prk_steps": True, "steps_offset": 1},
    }
    return getattr(diffusers, kind)(**(_NOISE | own.get(kind, {}) | changed))


def turbo() -> Any:
    """As SD-Turbo has it."""
    return scheduler_of("EulerDiscreteScheduler", timestep_spacing="trailing")


def write_pipeline(folder: Path, scheduler: Any = None) -> Path:
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        tokenizer = _tokenizer(Path(place))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, of schedulers and safety
        pipeline: Any = StableDiffusionPipeline(
            vae=_decoder(),
            text_encoder=_reader(len(tokenizer)),
            tokenizer=tokenizer,
            unet=_unet(),
            scheduler=scheduler or scheduler_of(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.save_pretrained(folder)
    return folder


def write_masked(folder: Path) -> Path:
    """aMUSEd's, likewise."""
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        tokenizer = _tokenizer(Path(place))
    config = _reader(len(tokenizer)).config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline: Any = AmusedPipeline(
            vqvae=_token_decoder(),
            tokenizer=tokenizer,
            text_encoder=_random(CLIPTextModelWithProjection(config)),
            transformer=_transformer(),
            scheduler=AmusedScheduler(mask_token_id=CODES),
        )
        pipeline.save_pretrained(folder)
    return folder


def _transformer() -> Any:
    return _random(
        UVit2DModel(
            hidden_size=32,
            cond_embed_dim=32,
            micro_cond_encode_dim=8,
            micro_cond_embed_dim=40,
            encoder_hidden_size=32,
            vocab_size=CODES + 1,
            codebook_size=CODES,
            in_channels=32,
            block_out_channels=32,
            num_res_blocks=1,
            block_num_heads=2,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            sample_size=SIDE,
        )
    )


def _token_decoder() -> Any:
    return _random(
        VQModel(
            block_out_channels=(8, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=8,
            num_vq_embeddings=CODES,
            norm_num_groups=4,
            lookup_from_codebook=True,
            mid_block_add_attention=False,
        )
    )


def _tokenizer(folder: Path) -> Any:
    """Each byte, at a word's end too, a few pairs, and what begins and ends a text."""
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(f"{each}</w>" for each in letters)]
    tokens += [each.replace(" ", "") for each in MERGES] + [START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *MERGES, ""]), encoding="utf-8")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=TEXT)


def _reader(vocabulary: int) -> Any:
    config = CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=32, intermediate_size=37, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=TEXT, projection_dim=32,
        bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1, pad_token_id=vocabulary - 1,
    )  # fmt: skip
    return _random(CLIPTextModel(config))


def _unet() -> Any:
    return _random(
        UNet2DConditionModel(
            sample_size=SIDE,
            block_out_channels=(16, 16, 32),
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=4,
            norm_num_groups=4,
        )
    )


def _decoder() -> Any:
    return _random(
        AutoencoderKL(
            block_out_channels=(8, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            norm_num_groups=4,
        )
    )


def _random(model: Any) -> Any:
    """Weights so large that words and noise tell."""
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.15)
    return model.eval()


def change(file: Path, **values: object) -> None:
    settings = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(settings | values), encoding="utf-8")


def noise_of(seed: int) -> Noise:
    random = np.random.default_rng(seed)
    return lambda shape: random.standard_normal(shape, np.float32)


def draw(
    folder: Path, request: PaintRequest, cancel: CancelToken | None = None
) -> tuple[list[PaintStep], PaintOutcome]:
    """The steps and the outcome of one drawing; what fails is raised."""
    painter, steps = PaintEngine(folder), list[PaintStep]()
    painter.load()
    try:
        outcome = painter.paint(request, cancel or CancelToken(), steps.append)
    finally:
        painter.close()
    if outcome.error is not None:
        raise outcome.error
    return steps, outcome


def by_diffusers(
    kind: Any, folder: Path, prompt: str, how: PaintSettings, later: int, **given: Any
) -> Any:
    """The picture of diffusers' own pipeline of this kind, as bytes [height, width, 3]; `later` is
    the seed of what it draws by chance on its way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = kind.from_pretrained(folder)
        pipeline.set_progress_bar_config(disable=True)
        found = pipeline(
            prompt,
            generator=torch.Generator().manual_seed(later),
            num_inference_steps=how.steps,
            guidance_scale=how.guidance,
            output_type="np",
            **given,
        )
    return np.rint(found.images[0] * 255)


def seed_of_later(random: np.random.Generator) -> int:
    """What an engine draws after the noise that a picture begins with."""
    return int.from_bytes(random.standard_normal((1,), np.float32).tobytes(), "little")
