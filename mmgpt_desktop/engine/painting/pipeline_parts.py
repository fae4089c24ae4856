"""What all pipelines of diffusers share: parts in folders of their own, and how words are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
from mmgpt_desktop.errors import BundleError, RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.note import Note
from mmgpt_desktop.painted import PainterInfo, PaintSettings
from mmgpt_desktop.text import safe_name

READER, TOKENIZER, SCHEDULER = "text_encoder", "tokenizer", "scheduler"
SCHEDULING = "scheduler_config.json"
TOKENIZERS = ("CLIPTokenizer", "CLIPTokenizerFast")
WIDEST, MOST_SIDE, LARGEST = 1 << 14, 256, 2048
_MOST_BLOCKS = 8


class PipelinePart(NamedTuple):
    """A folder with the settings of what lies in it, the `variant` of its weights' file ("fp16"),
    and how many numbers, and bytes, these are."""

    folder: Path
    config: Mapping[str, Any]
    variant: str | None = None
    parameters: int = 0
    bytes: int = 0


class Pipeline(ABC):
    """An opened one: pictures of `picture_size` pixels, whose maps have `side` cells along a
    side."""

    order: ClassVar[Sequence[RuntimeName]] = (RuntimeName.TORCH,)
    side: int
    picture_size: int

    def __init__(self, path: Path, parts: Mapping[str, PipelinePart]) -> None:
        """BundleError for a setting that is none, ValueError where they don't fit each other."""
        self.path, self.parts = path, parts
        reader = parts[READER].config
        self._length = whole_number(reader, "max_position_embeddings", 77, 1024)
        self._vocabulary = whole_number(reader, "vocab_size", 49408, 1 << 22)
        if self._length < 3:
            raise ValueError("the text encoder reads no words.")
        self._tokenizer: Tokenizer | None = None

    @property
    @abstractmethod
    def usual(self) -> PaintSettings:
        """How it draws where nobody says."""

    @abstractmethod
    def with_torch(self, *, card: bool) -> PainterRuntime: ...

    @property
    def info(self) -> PainterInfo:
        name = model_name(self.path)
        about = name, name, self.picture_size, self.side, self.usual
        return PainterInfo(*about, languages=("en",), at_once=True)

    @property
    def scheduling(self) -> Mapping[str, Any]:
        """The scheduler's settings, with its class as `_class_name`."""
        return self.parts[SCHEDULER].config

    @property
    def size(self) -> int:
        return sum(part.bytes for part in self.parts.values())

    @property
    def parameters(self) -> int:
        return sum(part.parameters for part in self.parts.values())

    def prepare(self, progress: Progress, cancel: CancelToken) -> None:
        cancel.raise_if_cancelled()
        folder = self.parts[TOKENIZER].folder
        tokenizer = load_clip_tokenizer(folder)
        pad = _padding(self.parts[TOKENIZER].config, folder)
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
        return self.with_torch(card=card)

    def strokes(
        self, runtime: Any, wanted: ToPaint, cancel: CancelToken
    ) -> Iterator[PaintedStroke]:
        return step_strokes(runtime, self.side, (), wanted, cancel)


def require_kind(name: str, said: Any, known: Sequence[str]) -> None:
    """`said` is a library and its class."""
    library = "transformers" if name in (READER, TOKENIZER) else "diffusers"
    if not (isinstance(said, list) and len(said) == 2 and said[0] == library and said[1] in known):
        title = "The model's {part} is of a kind that is not known here ({kind})."
        kind = ".".join(map(str, said)) if isinstance(said, list) else str(said)
        raise BundleError(title, ANOTHER, part=name, kind=safe_name(kind))


def part_settings(path: Path, part: str, file: str) -> dict[str, Any]:
    if not lies_inside(f"{part}/{file}", path):
        title = "The model's {name} names files outside its folder."
        raise BundleError(title, ANOTHER, name=part)
    if not (path / part / file).is_file():
        raise missing(f"{part}/{file}")
    return read_object(path / part / file)


def stem(name: str) -> str:
    """What the file of a part's weights is called, by the library that keeps it."""
    return WEIGHTS.partition(".")[0] if name == READER else "diffusion_pytorch_model"


def part_weights(path: Path, name: str) -> PipelinePart:
    config, folder = part_settings(path, name, CONFIG), path / name
    refuse_adapter(folder)
    if any(folder.glob(f"{stem(name)}*.index*")):  # which would be read first, whatever it names
        title = "The weights of the model's {part} lie in several files, which can't be read here."
        raise BundleError(title, ANOTHER, part=name)
    for variant in (None, "fp16"):
        file = ".".join(filter(None, (stem(name), variant, "safetensors")))
        if (folder / file).is_file() and lies_inside(f"{name}/{file}", path):
            break
    else:
        refuse_other_kinds(folder)
        raise missing(f"{name}/{stem(name)}.safetensors")
    found = read_header(folder / file)
    refuse_packed(folder, config, [found])
    parameters = sum(tensor.numbers for tensor in found.tensors.values())
    return PipelinePart(folder, config, variant, parameters, found.size)


def open_parts(
    path: Path, index: Mapping[str, Any], kinds: Mapping[str, Sequence[str]]
) -> dict[str, PipelinePart]:
    """The parts that `model_index.json` names, each of one of its `kinds`; a scheduler and a
    tokenizer are settings alone. Raises BundleError."""
    for name, known in kinds.items():
        require_kind(name, index.get(name), known)
    settings = {SCHEDULER: SCHEDULING, TOKENIZER: "tokenizer_config.json"}
    parts = {name: part_weights(path, name) for name in kinds if name not in settings}
    for name, file in settings.items():
        parts[name] = PipelinePart(path / name, part_settings(path, name, file))
    said = parts[SCHEDULER].config.get("_class_name")  # it is this one that is made
    require_kind(SCHEDULER, ["diffusers", said], kinds[SCHEDULER])
    return parts


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


def numbers_of(config: Mapping[str, Any], name: str, unsaid: Any, most: int) -> list[int]:
    """A setting that is a number from 1 on, or one for each block. Raises BundleError."""
    said = config.get(name, unsaid)
    listed = (
        list(said) if isinstance(said, list | tuple) and 0 < len(said) <= _MOST_BLOCKS else [said]
    )
    return [whole_number({name: each}, name, 0, most) for each in listed]
