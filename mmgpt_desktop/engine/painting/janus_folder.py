"""Janus and Janus-Pro as painters: the same GPT that reads pictures writes the codes of one.

Chen et al. 2025, "Janus-Pro: Unified Multimodal Understanding and Generation with Data and Model
Scaling". A cell has one code of a VQGAN, and the words weigh more by classifier-free guidance, with
the prompt's tokens blanked out beside it, as in transformers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from tokenizers import Tokenizer

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.chat.image_values import whole_number
from mmgpt_desktop.engine.families.janus import BEGIN_OF_IMAGE, Janus
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint, open_checkpoint
from mmgpt_desktop.engine.folder.model_files import ANOTHER
from mmgpt_desktop.engine.folder.tokenizing import encode_with_places
from mmgpt_desktop.engine.painting.code_strokes import CodedCells, code_strokes
from mmgpt_desktop.engine.painting.painter_runtime import PainterRuntime
from mmgpt_desktop.engine.painting.painter_source import (
    PaintedStroke,
    PaintPrompt,
    ToPaint,
    require_words,
    words_and_spans,
)
from mmgpt_desktop.errors import BundleError, PromptError, RuntimeFailure
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.painted import PainterInfo, PaintSettings

_MOST_TOKENS = 512
_MARK = "\u00a4\u00a4\u00a4"  # stands in no template
_BYTES = 2  # of a number, as most are kept
_MOST_SIDE = 64
# As transformers' own generation settings for pictures have it.
_SETTINGS = PaintSettings(temperature=1.0, least=0.0, guidance=5.0)


class JanusFolder:
    """An opened checkpoint."""

    order: ClassVar[Sequence[RuntimeName]] = (RuntimeName.TORCH,)

    def __init__(self, checkpoint: Checkpoint, settings: PaintSettings = _SETTINGS) -> None:
        """ValueError where its settings don't fit each other."""
        self.checkpoint, self._settings = checkpoint, settings
        eyes, codes = (_part(checkpoint.config, name) for name in ("vision_config", "vq_config"))
        halvings = len(codes.get("channel_multiplier", (1, 1, 2, 2, 4))) - 1
        cells = whole_number(eyes, "num_image_tokens", 576, _MOST_SIDE**2)
        self._side = round(cells**0.5)
        if self._side**2 != cells:
            raise ValueError("The cells of its pictures are no square.")
        self._size = self._side << halvings
        number = whole_number(codes, "num_embeddings", 16384, 1 << 20)
        self._cells = CodedCells(self._side, number, 1, self._size)
        self._tokenizer: Tokenizer | None = None

    @property
    def info(self) -> PainterInfo:
        name = self.checkpoint.name
        return PainterInfo(name, name, self._size, self._side, self._settings, ("en", "zh"))

    @property
    def size(self) -> int:
        return _BYTES * self.checkpoint.parameters

    def prepare(self, progress: Progress, cancel: CancelToken) -> None:
        cancel.raise_if_cancelled()
        self._family = Janus(self.checkpoint)
        self._tokenizer = self.checkpoint.tokenizer()
        if self._tokenizer.token_to_id(BEGIN_OF_IMAGE) is None:
            title = "The model's tokenizer has no token with which a picture begins."
            raise BundleError(title, ANOTHER)
        progress(0.3, "Starting the model")

    def read_prompt(self, prompt: str, *, known_only: bool) -> PaintPrompt:
        """As a question that is answered with a picture. It was taught too much for a list of
        words: none is refused."""
        del known_only
        assert self._tokenizer is not None
        require_words(prompt)
        text, start = self._said(prompt)
        ids, places = encode_with_places(self._tokenizer, text)
        if len(ids) > _MOST_TOKENS:
            title = "That is too long: {count} tokens, and {most} is the most."
            raise PromptError(title, "Say it shorter.", count=len(ids), most=_MOST_TOKENS)
        stop = start + len(prompt) if text[start:].startswith(prompt) else start
        inside = [n for n, (_, last) in enumerate(places) if start < last <= stop]
        ends = [places[number][1] - start for number in inside]
        words, spans = words_and_spans(prompt, ends, inside[0] if inside else 0)
        array = np.array(ids, np.int64)
        return PaintPrompt(array, np.ones(len(ids), bool), words, spans)

    def _said(self, prompt: str) -> tuple[str, int]:
        """What the model reads, and where in it the prompt begins."""
        with_mark, text = (
            self._family.drawing_template(self._family.messages((), each, 0))
            for each in (_MARK, prompt)
        )
        return text, with_mark.find(_MARK)

    def runtime(self, name: RuntimeName, *, card: bool) -> PainterRuntime:
        if name is not RuntimeName.TORCH:
            raise RuntimeFailure("This model draws with PyTorch alone.", "Leave --runtime out.")
        from mmgpt_desktop.engine.families.runtimes.janus_drawing import JanusDrawing

        assert self._tokenizer is not None
        begin = self._tokenizer.token_to_id(BEGIN_OF_IMAGE)
        assert begin is not None  # `prepare` looked for it
        return JanusDrawing(self.checkpoint, begin, card=card)

    def strokes(
        self, runtime: Any, wanted: ToPaint, cancel: CancelToken
    ) -> Iterator[PaintedStroke]:
        return code_strokes(runtime, self._cells, wanted, cancel)


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name, {})
    return found if isinstance(found, Mapping) else {}


def open_janus(path: Path) -> JanusFolder:
    """Raises BundleError for any other model."""
    checkpoint = open_checkpoint(path)
    if checkpoint.model_type not in Janus.model_types:
        title = "The model {name} can't draw."
        raise BundleError(title, "Choose a painter.", name=checkpoint.name)
    try:
        return JanusFolder(checkpoint)
    except ValueError as error:
        title = "The model's config.json doesn't fit together: {reason}"
        raise BundleError(title, ANOTHER, reason=str(error)) from error
