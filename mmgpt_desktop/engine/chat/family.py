"""A family of public vision-language models: how it wants photos and conversations.

What all families share is here; each of `engine/families` adds what it does in its own way, and
says the facts that the runtimes and the export need of it.
"""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.chat.chat_template import ChatTemplate
from mmgpt_desktop.engine.chat.crops import Pixels, read_part
from mmgpt_desktop.engine.chat.detokenizer import Spelling
from mmgpt_desktop.engine.chat.image_values import normalised, resized, settings_over
from mmgpt_desktop.engine.chat.model_inputs import ImageInputs, Prompt
from mmgpt_desktop.engine.chat.patch_cells import one_to_one
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.folder.tokenizing import encode
from mmgpt_desktop.engine.text_models import text_config
from mmgpt_desktop.errors import BundleError, PromptError
from mmgpt_desktop.messages import PICTURE, Box, Grounding, Message, PatchGrid, Photo
from mmgpt_desktop.text import without_controls

Turn = tuple[str, str]  # question, answer

# Special tokens that end a turn by models' custom, and those that end a text, for want of others.
_TURN_ENDS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|eot|>", "<|return|>"),
    *("<end_of_turn>", "<end_of_utterance>"),
)
_TEXT_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")
_ANSWER = "Answered."  # to see what a template writes after it


class Family(ABC):
    """One architecture's rules, for one opened model. One thread at a time.

    A conversation is rendered by the checkpoint's chat template, and photos become runs of image
    tokens in it. A family says what the template writes for a photo (`placeholder`), by what text
    that is replaced (`expansion`), and which token in it is an image token (`image_token_id`).
    """

    model_types: ClassVar[tuple[str, ...]] = ()
    """Whose checkpoints these are, as their config.json says it."""
    placeholder: ClassVar[str]
    fusion: ClassVar[str] = "concat"
    """How picture and text meet, by a name that the window knows: here in one row."""
    sequences: ClassVar[bool] = False
    """Whether it was made for several photos in one prompt."""
    default_template: ClassVar[str | None] = None
    """For checkpoints that have none."""
    unsaid_context: ClassVar[int] = 2048
    """Where config.json leaves the context's length out."""
    image_settings: ClassVar[Mapping[str, Any]] = {}
    """What its image processor takes for granted (preprocessor_config.json)."""

    outside_blocks: ClassVar[int | None] = None
    """With prefix attention the token type of what is in no block (`Prompt.blocks`); else None."""
    windows_cut_blocks: ClassVar[bool] = False
    """Whether a layer that looks back over a window doesn't see all of a longer block either."""
    image_axes: ClassVar[Mapping[str, int | None]] = {"pixel_values": None}
    """The arrays that its image encoder takes, each with the axis whose length differs between
    photos, if one does."""
    torch_model: ClassVar[str] = "transformers:AutoModelForImageTextToText"
    torch_runtime: ClassVar[str] = "mmgpt_desktop.engine.checkpoint_torch:CheckpointTorch"
    onnx_runtime: ClassVar[str] = "mmgpt_desktop.engine.checkpoint_onnx:CheckpointOnnx"
    encoder: ClassVar[str] = "mmgpt_desktop.engine.image_encoder:OwnEncoder"
    """The class that its weights are read into, those that run it, and the encoder as PyTorch's
    exporter takes it: imported by name, since each brings a library that the others do without."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Raises BundleError, and whatever settings that don't fit together break."""
        self.checkpoint = checkpoint
        self.tokenizer = checkpoint.tokenizer()
        self.image_token_id = self.find_image_token()
        self.context_length = _context_length(checkpoint.config, self.unsaid_context)
        self._special = _special_tokens(checkpoint.tokenizer_config)
        self._template = self._read_template()
        self._spelling = Spelling(self.tokenizer)
        self._typed_token = self._guard()
        self.stop_ids = self.find_stop_ids()
        self.vision: Mapping[str, Any] = checkpoint.config.get("vision_config", {})
        self.settings = self.read_image_settings(checkpoint.image_processor)

    @abstractmethod
    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        """Prepare a photo as the model's own image processor does.

        With `tiled` a family that can cut photos into tiles does so; else it takes one view.
        """

    def expansion(self, inputs: ImageInputs) -> str:
        """The text that stands for a photo, with `inputs.tokens` image tokens in it."""
        return self.placeholder * inputs.tokens

    def read_image_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The image processor's settings, over `image_settings`."""
        return settings_over(self.image_settings, given)

    def resized(self, pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
        """A picture stretched to that size with the processor's own filter."""
        return resized(pixels, width, height, int(self.settings["resample"]))

    def normalised(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `image_values.normalised`, by the processor's settings."""
        return normalised(pixels, self.settings)

    def one_view(
        self, photo: Photo, pixels: Pixels, box: Box, patch: int, before: int = 0, tokens: int = 0
    ) -> ImageInputs:
        """Of a photo that is read as one view, which lies in `box` on it: each whole patch is a
        cell. `before` the patches stand so many for no place; `tokens` if they are resampled."""
        height, width = pixels.shape[:2]
        part = read_part(box, height, width, patch)
        grid = PatchGrid(height // patch, width // patch, part, photo.width, photo.height)
        patch_to_cell = one_to_one(grid, before)
        arrays = {"pixel_values": self.normalised(pixels)[np.newaxis]}
        return ImageInputs(arrays, tokens or len(patch_to_cell), grid, patch_to_cell)

    def rotary(
        self, token_ids: NDArray[np.int64], images: Sequence[ImageInputs]
    ) -> tuple[NDArray[np.int64], int]:
        """`Prompt.positions` and `Prompt.next_position`: one after the other."""
        return np.arange(len(token_ids), dtype=np.int64)[np.newaxis], len(token_ids)

    def blocks(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """`Prompt.blocks`: none."""
        return None

    def find_image_token(self) -> int:
        """The id that stands for a part of a photo. Raises BundleError."""
        config = self.checkpoint.config
        for key in ("image_token_id", "image_token_index"):
            if isinstance(config.get(key), int):
                return int(config[key])
        if (found := self.tokenizer.token_to_id(self.placeholder)) is not None:
            return int(found)
        title = "The model's tokenizer has no {token}, which stands for pictures."
        raise BundleError(title, "Choose another model.", token=self.placeholder)

    def find_stop_ids(self) -> frozenset[int]:
        """The tokens that end an answer, wherever the checkpoint names them; what its template
        writes after an answer, since a fine-tune may leave the others as they were; and those
        that end a turn whichever model writes them."""
        checkpoint, text = self.checkpoint, text_config(self.checkpoint.config)
        said = (checkpoint.generation, checkpoint.config, text)
        named = [self._token_ids(each.get("eos_token_id")) for each in said]
        special = self._special_ids()
        found = {*next(filter(None, named), ()), *self._template_ends(special)}
        # Behind the first word, a token id may be its kind's default, and a word here.
        found |= set(itertools.chain(*named)) & set(special.values())
        found |= {special[word] for word in _TURN_ENDS if word in special}
        if (eos := self.tokenizer.token_to_id(self._special.get("eos_token", ""))) is not None:
            found.add(eos)
        return frozenset(found or {special[word] for word in _TEXT_ENDS if word in special})

    def _token_ids(self, said: object) -> list[int]:
        """Token ids as settings give them: one or a list; what is none is let be."""
        size = self.tokenizer.get_vocab_size()
        listed = said if isinstance(said, list) else [said]
        return [each for each in listed if type(each) is int and 0 <= each < size]

    def _special_ids(self) -> dict[str, int]:
        """Of the added tokens that are no part of a text."""
        added = self.tokenizer.get_added_tokens_decoder()
        return {token.content: token_id for token_id, token in added.items() if token.special}

    def _template_ends(self, special: Mapping[str, int]) -> set[int]:
        """The special token that the template writes after an answer, if it writes one."""
        try:
            turn = self.messages([("?", _ANSWER)], "?", 0)[:2]
            text = self._template.render(turn, begin_answer=False)
        except PromptError:
            return set()
        after = text.rpartition(_ANSWER)[2].lstrip()
        ends = [token for token in special if after.startswith(token)]
        return {special[max(ends, key=len)]} if ends else set()

    def groundings(
        self, token_ids: Sequence[int], images: Sequence[ImageInputs]
    ) -> tuple[Grounding, ...]:
        """The places that an answer gives with its words; none with most models."""
        return ()

    def token_bytes(self, token_id: int) -> bytes:
        """What a token adds to the answer; a character may take the bytes of several tokens."""
        return b"" if token_id in self.stop_ids else self._spelling.bytes_of(token_id)

    def build_prompt(
        self, messages: Sequence[Message], images: Sequence[ImageInputs], room: int
    ) -> Prompt:
        """Lay out a conversation so that `room` tokens of answer still fit.

        Photos stand where `PICTURE` is in the messages' texts, and those that no text places
        before the first question: where texts place fewer than there are, theirs are the last.
        The oldest turns go first. Raises PromptError for an empty question, and for one that is
        too long by itself.
        """
        *earlier, last = messages
        question, turns = clean(last.text), answered(earlier)
        if not question.replace(PICTURE, "").strip():
            raise PromptError("The question is empty.", "Type a question first.")
        limit = self.context_length - min(room, self.context_length // 2)
        for dropped in range(len(turns) + 1):
            token_ids = self.encode(turns[dropped:], question, images)
            if not token_ids:
                title = "The model's chat template writes nothing for this question."
                raise PromptError(title, "Choose another model.")
            if len(token_ids) <= limit:
                return self._prompt(token_ids, images, dropped)
        raise PromptError(
            "The question and its pictures are too long: {tokens} tokens, and this model reads"
            " {limit}.",
            "Ask a shorter question, or about fewer pictures or with less detail.",
            tokens=len(token_ids),
            limit=limit,
        )

    def encode(
        self, turns: Sequence[Turn], question: str, images: Sequence[ImageInputs]
    ) -> list[int]:
        """Token ids of a conversation with a run of image tokens for each photo."""
        prompt = self.template(self.messages(turns, question, len(images)))
        pieces = prompt.split(self.placeholder)
        runs = map(self.expansion, images)
        return self.tokens(
            "".join(itertools.chain(*itertools.zip_longest(pieces, runs, fillvalue="")))
        )

    def tokens(self, prompt: str) -> list[int]:
        """Token ids of a rendered prompt, whose beginning the tokenizer adds if need be."""
        begun = self._special.get("bos_token")
        with_bos = begun is None or not prompt.startswith(begun)
        return encode(self.tokenizer, prompt, special=with_bos)

    def template(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The prompt of messages, with `placeholder` for each photo."""
        return self._template.render(messages)

    def messages(
        self, turns: Sequence[Turn], question: str, photos: int
    ) -> list[Mapping[str, Any]]:
        """As chat templates take them: each content is a list of texts and pictures."""
        texts = [*itertools.chain(*turns), question]
        placed = sum(text.count(PICTURE) for text in texts[::2])
        unplaced = max(0, photos - placed)
        texts[0] = PICTURE * unplaced + texts[0]
        left = iter(range(photos))
        return [
            {
                "role": ("user", "assistant")[index % 2],
                "content": list(self._parts(text, left if index % 2 == 0 else iter(()))),
            }
            for index, text in enumerate(texts)
        ]

    def _parts(self, text: str, photos: Iterator[int]) -> Iterator[dict[str, str]]:
        """A picture between each two pieces of text, as long as there are photos."""
        for index, piece in enumerate(text.split(PICTURE)):
            if index and next(photos, None) is not None:
                yield {"type": "image"}
            if piece.strip():
                yield {"type": "text", "text": self.plain(piece)}

    def plain(self, text: str) -> str:
        """`text` with a gap in whatever the tokenizer would take for a special token: typed
        by a user it is no picture, and ends no turn."""
        return self._typed_token.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def markers(self) -> set[str]:
        """What no user may type as it is: `plain` makes a gap in it."""
        added = self.tokenizer.get_added_tokens_decoder().values()
        special = {token.content for token in added if token.special}
        return special | {self.placeholder, self.tokenizer.id_to_token(self.image_token_id) or ""}

    def find_image_tokens(self, token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where image tokens stand, photo after photo."""
        return np.flatnonzero(token_ids == self.image_token_id)

    def _guard(self) -> re.Pattern[str]:
        markers = sorted(filter(str.strip, self.markers()), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, markers)))

    def _prompt(self, token_ids: list[int], images: Sequence[ImageInputs], dropped: int) -> Prompt:
        ids = np.array(token_ids, np.int64)
        image_positions = self.find_image_tokens(ids)
        expected = sum(each.tokens for each in images)
        if len(image_positions) != expected:
            title = "The model's prompt has {found} image tokens, and its pictures need {expected}."
            hint = "Its tokenizer or chat template does not fit: choose another model."
            raise BundleError(title, hint, found=len(image_positions), expected=expected)
        positions, following = self.rotary(ids, images)
        return Prompt(
            tuple(token_ids),
            tuple(image_positions.tolist()),
            positions,
            following,
            dropped,
            self.blocks(ids),
        )

    def _read_template(self) -> ChatTemplate:
        source = self.checkpoint.chat_template or self.default_template
        if source is None:
            title = "The model has no chat template, so it can't be asked."
            raise BundleError(title, "Choose a model that was made for conversations.")
        return ChatTemplate(source, self._special)


def clean(text: str) -> str:
    return without_controls(text).strip()


def answered(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """The questions that were answered, with their answers, cleaned."""
    turns = []
    for question, answer in itertools.pairwise(messages):
        turn = clean(question.text), clean(answer.text)
        if (question.role, answer.role) == ("user", "assistant") and all(turn):
            turns.append(turn)
    return turns


def _context_length(config: Mapping[str, Any], unsaid: int) -> int:
    for part in (text_config(config), config):
        length = part.get("max_position_embeddings")
        if isinstance(length, int) and length > 0:
            return length
    return unsaid


def _special_tokens(tokenizer_config: Mapping[str, Any]) -> dict[str, str]:
    """ "bos_token" and the like; an older file writes them as objects with a "content"."""
    found = {}
    for name, token in tokenizer_config.items():
        content = token.get("content") if isinstance(token, dict) else token
        if name.endswith("_token") and isinstance(content, str):
            found[name] = content
    return found
