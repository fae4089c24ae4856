"""What families share whose photos are runs of image tokens in a chat prompt."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.families.detokenizer import Spelling
from mmgpt_desktop.engine.families.family import ImageInputs, Prompt, answered, clean
from mmgpt_desktop.engine.families.template import ChatTemplate
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.folder.recognise import CONFIG
from mmgpt_desktop.engine.folder.tokenizing import encode
from mmgpt_desktop.errors import BundleError, PromptError
from mmgpt_desktop.messages import PICTURE, Grounding, Message, Photo

Turn = tuple[str, str]  # question, answer

# Heads of language models whose config.json says nothing of them, as transformers takes it for
# granted: LLaVA-1.5's and Gemma 3's smaller ones are written so.
_UNSAID_HEADS = {
    "gemma": 16,
    "gemma2": 8,
    "gemma3_text": 8,
    "kosmos_2_text_model": 32,
    "llama": 32,
    "mistral": 32,
    "qwen2": 32,
    "qwen3": 32,
}


# Special tokens that end a turn by models' custom, and those that end a text, for want of others.
_TURN_ENDS = (
    *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|eot|>", "<|return|>"),
    *("<end_of_turn>", "<end_of_utterance>"),
)
_TEXT_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")
_ANSWER = "Answered."  # to see what a template writes after it


class ChatFamily(ABC):
    """A conversation is rendered by the checkpoint's chat template, photos become tokens.

    A family says what the template writes for a photo (`placeholder`), by what text that is
    replaced (`expansion`), and which token in it is an image token (`image_token_id`).
    """

    placeholder: ClassVar[str]
    fusion: ClassVar[str] = "concat"  # as the window names it: picture and text in one row
    sequences: ClassVar[bool] = False
    default_template: ClassVar[str | None] = None  # for checkpoints that have none
    unsaid_context: ClassVar[int] = 2048  # where config.json leaves the context's length out

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.tokenizer = checkpoint.tokenizer()
        self.image_token_id = self.find_image_token()
        self.context_length = _context_length(checkpoint.config, self.unsaid_context)
        self._special = _special_tokens(checkpoint.tokenizer_config)
        self._template = self._read_template()
        self._spelling = Spelling(self.tokenizer)
        self._typed_token = self._guard()
        self.stop_ids = self.find_stop_ids()

    @abstractmethod
    def preprocess(self, photo: Photo, *, tiled: bool = False) -> ImageInputs:
        """As `Family.preprocess`."""

    @abstractmethod
    def expansion(self, inputs: ImageInputs) -> str:
        """The text that stands for a photo, with `inputs.tokens` image tokens in it."""

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
        """As `Family.groundings`."""
        return ()

    def token_bytes(self, token_id: int) -> bytes:
        return b"" if token_id in self.stop_ids else self._spelling.bytes_of(token_id)

    def build_prompt(
        self, messages: Sequence[Message], images: Sequence[ImageInputs], room: int
    ) -> Prompt:
        """As `Family.build_prompt`. Where texts place fewer photos than there are,
        theirs are the last."""
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


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The language model's part of a config.json, or all of it where it has no parts."""
    found = config.get("text_config", config)
    return found if isinstance(found, dict) else config


def attention_heads(config: Mapping[str, Any]) -> int:
    """How many a layer of the language model has. Raises BundleError where nobody says."""
    text = text_config(config)
    unsaid = _UNSAID_HEADS.get(str(text.get("model_type")))
    heads = text.get("num_attention_heads", text.get("attention_heads", unsaid))
    if not isinstance(heads, int):
        title = "The model's {name} does not say how many heads it has."
        raise BundleError(title, "Get the model again.", name=CONFIG)
    return heads


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
