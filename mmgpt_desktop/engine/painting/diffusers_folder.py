"""Pipelines of diffusers as painters: Stable Diffusion and its turbo kinds.

Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models": a UNet moves a
small picture of many channels (latents) out of noise, reads the words by cross-attention as it
does, and a decoder makes pixels of it. Each part lies in a folder of its own, with its settings.
Of `model_index.json` only parts are used that are known here: no code of a folder is ever run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.chat.image_values import whole_number
from mmgpt_desktop.engine.folder.model_files import (
    ANOTHER,
    CONFIG,
    PIPELINE,
    WEIGHTS,
    lies_inside,
    missing,
    model_name,
    read_object,
)
from mmgpt_desktop.engine.folder.recognise import refuse_adapter, refuse_other_kinds
from mmgpt_desktop.engine.folder.storage import refuse_packed
from mmgpt_desktop.engine.folder.tensor_files import read_header
from mmgpt_desktop.engine.folder.tokenizing import (
    CLIP_END,
    CLIP_START,
    encode_with_ends,
    load_clip_tokenizer,
)
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.engine.painting.painter_source import (
    PaintedStroke,
    PaintPrompt,
    ToPaint,
    require_words,
    words_and_spans,
)
from mmgpt_desktop.engine.painting.step_strokes import step_strokes
from mmgpt_desktop.engine.pytorch import require_diffusers
from mmgpt_desktop.errors import BundleError, RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.note import Note
from mmgpt_desktop.painted import PainterInfo, PaintSettings
from mmgpt_desktop.text import safe_name

UNET, DECODER, READER = "unet", "vae", "text_encoder"
_PIPELINES = ("StableDiffusionPipeline",)
_SCHEDULER, _SCHEDULING, _TOKENIZER = "scheduler", "scheduler_config.json", "tokenizer"
_KINDS = {  # of each part, those that are known here
    UNET: ("UNet2DConditionModel",),
    DECODER: ("AutoencoderKL",),
    READER: ("CLIPTextModel",),
    _TOKENIZER: ("CLIPTokenizer", "CLIPTokenizerFast"),
    _SCHEDULER: (
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
_STEMS = {
    UNET: "diffusion_pytorch_model",
    DECODER: "diffusion_pytorch_model",
    READER: WEIGHTS.partition(".")[0],
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
    (_SCHEDULER, "num_train_timesteps", 1000, 10_000),
    (_SCHEDULER, "solver_order", 2, 3),
)
_MOST_BLOCKS, _WIDEST, _MOST_SIDE, _LARGEST = 8, 1 << 14, 256, 2048
_MOST_CELLS = 64  # along a side of a map, as sessions keep it
_LATENTS = 4  # channels, unsaid
_PLAIN = PaintSettings(temperature=1.0, least=0.0, guidance=7.5, steps=30)
_TURBO = PaintSettings(temperature=1.0, least=0.0, guidance=1.0, steps=4)


class PipelinePart(NamedTuple):
    """A folder with the settings of what lies in it, the `variant` of its weights' file ("fp16"),
    and how many numbers, and bytes, these are."""

    folder: Path
    config: Mapping[str, Any]
    variant: str | None = None
    parameters: int = 0
    bytes: int = 0


class PipelineFolder:
    """An opened one. A picture's `side` cells are those of the UNet's last level but one: 16 of
    512 pixels, where words' places are clearest (Hertz et al. 2023, "Prompt-to-Prompt")."""

    order: ClassVar[Sequence[RuntimeName]] = (RuntimeName.TORCH,)

    def __init__(self, path: Path, parts: Mapping[str, PipelinePart]) -> None:
        """BundleError for a setting that is none, ValueError where they don't fit each other."""
        self.path, self.parts = path, parts
        unet, decoder, reader = (parts[name].config for name in (UNET, DECODER, READER))
        for part, name, unsaid, most in _COUNTS:
            _numbers(parts[part].config, name, unsaid, most)
        levels = len(_numbers(unet, "block_out_channels", (320, 640, 1280, 1280), _WIDEST))
        halvings = len(_numbers(decoder, "block_out_channels", (64,), _WIDEST)) - 1
        self.latent_side = whole_number(unet, "sample_size", 64, _MOST_SIDE)
        self.channels = whole_number(unet, "in_channels", _LATENTS, _WIDEST)
        self._size = self.latent_side << halvings
        self.side = max(1, self.latent_side >> max(0, levels - 2))
        while self.side > _MOST_CELLS:
            self.side //= 2
        self._length = whole_number(reader, "max_position_embeddings", 77, 1024)
        self._vocabulary = whole_number(reader, "vocab_size", 49408, 1 << 22)
        self._require_fit(unet, decoder, reader)
        self._tokenizer: Tokenizer | None = None

    def _require_fit(
        self, unet: Mapping[str, Any], decoder: Mapping[str, Any], reader: Mapping[str, Any]
    ) -> None:
        if self._size > _LARGEST:
            raise ValueError("its pictures are too large.")
        ends = (unet, "out_channels"), (decoder, "latent_channels")
        if any(whole_number(*each, _LATENTS, _WIDEST) != self.channels for each in ends):
            raise ValueError("the UNet's latents are not those of its decoder.")
        width = whole_number(reader, "hidden_size", 512, _WIDEST)
        if set(_numbers(unet, "cross_attention_dim", 1280, _WIDEST)) != {width}:
            raise ValueError("the UNet can't read what the text encoder writes.")
        if self._length < 3:
            raise ValueError("the text encoder reads no words.")

    @property
    def info(self) -> PainterInfo:
        name = model_name(self.path)
        settings = _TURBO if _is_turbo(self.scheduling) else _PLAIN
        about = name, name, self._size, self.side, settings
        return PainterInfo(*about, languages=("en",), at_once=True)

    @property
    def scheduling(self) -> Mapping[str, Any]:
        """The scheduler's settings, with its class as `_class_name`."""
        return self.parts[_SCHEDULER].config

    @property
    def size(self) -> int:
        return sum(part.bytes for part in self.parts.values())

    @property
    def parameters(self) -> int:
        return sum(part.parameters for part in self.parts.values())

    def prepare(self, progress: Progress, cancel: CancelToken) -> None:
        cancel.raise_if_cancelled()
        folder = self.parts[_TOKENIZER].folder
        tokenizer = load_clip_tokenizer(folder)
        pad = _padding(self.parts[_TOKENIZER].config, folder)
        marks = [tokenizer.token_to_id(token) for token in (CLIP_START, CLIP_END, pad)]
        known = tokenizer.get_vocab(with_added_tokens=True).values()
        self._marks = [each for each in marks if each is not None]
        if len(self._marks) < len(marks):
            title = "The model's tokenizer has no token with which a text begins or ends."
            raise BundleError(title, ANOTHER)
        if max(known) >= self._vocabulary:
            title = "The model's tokenizer writes tokens that its weights don't have."
            raise BundleError(title, ANOTHER)
        self._tokenizer = tokenizer
        progress(0.3, "Starting the model")

    def read_prompt(self, prompt: str, *, known_only: bool) -> PaintPrompt:
        """Between the tokens that begin and end a text, padded to the encoder's length; or cut to
        it, which is said. It was taught too much for a list of words: none is refused."""
        del known_only
        assert self._tokenizer is not None
        require_words(prompt)
        ids, ends = encode_with_ends(self._tokenizer, prompt)
        notes, most = [], self._length - 2
        if len(ids) > most:
            ids, ends = ids[:most], ends[:most]
            read = prompt[: max(ends, default=0)]
            notes.append(Note("The painter read only the beginning: {words}", {"words": read}))
        words, spans = words_and_spans(prompt, ends, 1)
        visible = np.arange(self._length) < len(ids) + 2
        return PaintPrompt(self._padded(ids), visible, words, spans, tuple(notes))

    def _padded(self, ids: Sequence[int]) -> NDArray[np.int64]:
        begin, end, pad = self._marks
        padded = np.full(self._length, pad, np.int64)
        padded[: len(ids) + 2] = [begin, *ids, end]
        return padded

    @property
    def nothing(self) -> NDArray[np.int64]:
        """The tokens [text] of an empty prompt, from which guidance leads away."""
        return self._padded(())

    def runtime(self, name: RuntimeName, *, card: bool) -> PainterRuntime:
        if name is not RuntimeName.TORCH:
            raise RuntimeFailure("This model draws with PyTorch alone.", "Leave --runtime out.")
        from mmgpt_desktop.engine.families.runtimes.diffusion_drawing import DiffusionDrawing

        return DiffusionDrawing(self, card=card)

    def strokes(
        self, runtime: Any, wanted: ToPaint, cancel: CancelToken
    ) -> Iterator[PaintedStroke]:
        return step_strokes(runtime, self.side, (), wanted, cancel)


def open_pipeline(path: Path) -> PipelineFolder:
    """Read a pipeline's settings and look at its weights, which are safetensors or refused.

    Raises BundleError, and RuntimeFailure where diffusers or PyTorch isn't installed.
    """
    index = read_object(path / PIPELINE)
    kind = index.get("_class_name")
    if kind not in _PIPELINES:
        title = "Pipelines of the kind {kind} can't draw here."
        hint = "These can: {known}."
        known = ", ".join(_PIPELINES)
        raise BundleError(title, hint, kind=safe_name(str(kind)), known=known)
    require_diffusers()
    for name, kinds in _KINDS.items():
        _require_kind(name, index.get(name), kinds)
    parts = {name: _weights(path, name) for name in _STEMS}
    for name, file in ((_SCHEDULER, _SCHEDULING), (_TOKENIZER, "tokenizer_config.json")):
        parts[name] = PipelinePart(path / name, _settings(path, name, file))
    _refuse_more(parts)
    try:
        return PipelineFolder(path, parts)
    except ValueError as error:
        title = "The model's parts don't fit together: {reason}"
        raise BundleError(title, ANOTHER, reason=str(error)) from error


def _require_kind(name: str, said: Any, known: Sequence[str]) -> None:
    """`said` is a library and its class."""
    library = "transformers" if name in (READER, _TOKENIZER) else "diffusers"
    if not (isinstance(said, list) and len(said) == 2 and said[0] == library and said[1] in known):
        title = "The model's {part} is of a kind that is not known here ({kind})."
        kind = ".".join(map(str, said)) if isinstance(said, list) else str(said)
        raise BundleError(title, ANOTHER, part=name, kind=safe_name(kind))


def _settings(path: Path, part: str, file: str) -> dict[str, Any]:
    if not lies_inside(f"{part}/{file}", path):
        title = "The model's {name} names files outside its folder."
        raise BundleError(title, ANOTHER, name=part)
    if not (path / part / file).is_file():
        raise missing(f"{part}/{file}")
    return read_object(path / part / file)


def _weights(path: Path, name: str) -> PipelinePart:
    config, folder = _settings(path, name, CONFIG), path / name
    refuse_adapter(folder)
    if any(folder.glob(f"{_STEMS[name]}*.index*")):  # which would be read first, whatever it names
        title = "The weights of the model's {part} lie in several files, which can't be read here."
        raise BundleError(title, ANOTHER, part=name)
    for variant in (None, "fp16"):
        file = ".".join(filter(None, (_STEMS[name], variant, "safetensors")))
        if (folder / file).is_file() and lies_inside(f"{name}/{file}", path):
            break
    else:
        refuse_other_kinds(folder)
        raise missing(f"{name}/{_STEMS[name]}.safetensors")
    found = read_header(folder / file)
    refuse_packed(folder, config, [found])
    parameters = sum(tensor.numbers for tensor in found.tensors.values())
    return PipelinePart(folder, config, variant, parameters, found.size)


def _refuse_more(parts: Mapping[str, PipelinePart]) -> None:
    """Raises BundleError for what the settings ask for beside the words, and for a scheduler that
    is another one than model_index.json says."""
    for name in _MORE_THAN_WORDS:
        if parts[UNET].config.get(name) is not None:
            title = "The model draws by more than words ({name}), which can't be given here."
            raise BundleError(title, ANOTHER, name=name)
    said = parts[_SCHEDULER].config.get("_class_name")
    _require_kind(_SCHEDULER, ["diffusers", said], _KINDS[_SCHEDULER])


def _is_turbo(scheduling: Mapping[str, Any]) -> bool:
    """Whether few steps without guidance are enough, as far as the scheduler's settings tell: so
    are SD-Turbo's (Sauer et al. 2023, "Adversarial Diffusion Distillation"), a name may be any."""
    euler = str(scheduling.get("_class_name")).startswith("Euler")
    trailing = scheduling.get("timestep_spacing") == "trailing"
    return euler and trailing and not scheduling.get("rescale_betas_zero_snr")


def _padding(config: Mapping[str, Any], folder: Path) -> str:
    """The token after a text's end, from where transformers takes it: older checkpoints name it
    in a file of its own."""
    older = folder / "special_tokens_map.json"
    named = dict(config)
    if "added_tokens_decoder" not in config and older.is_file():
        named |= read_object(older)
    pad = named.get("pad_token", CLIP_END)
    pad = pad.get("content") if isinstance(pad, dict) else pad
    return pad if isinstance(pad, str) else CLIP_END


def _numbers(config: Mapping[str, Any], name: str, unsaid: Any, most: int) -> list[int]:
    """A setting that is a number from 1 on, or one for each block. Raises BundleError."""
    said = config.get(name, unsaid)
    listed = (
        list(said) if isinstance(said, list | tuple) and 0 < len(said) <= _MOST_BLOCKS else [said]
    )
    return [whole_number({name: each}, name, 0, most) for each in listed]
