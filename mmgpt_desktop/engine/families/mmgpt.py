"""Prompt layout of the "mmgpt" family.

Each turn is `<|user|> question <|assistant|> answer <|end|>`; a prompt ends with
`<|assistant|>`. The picture reaches the decoder by cross-attention, so it takes no tokens.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from mmgpt_desktop.engine.chat.detokenizer import byte_level_bytes
from mmgpt_desktop.engine.chat.family import answered, clean
from mmgpt_desktop.engine.folder.bundle import Bundle
from mmgpt_desktop.engine.folder.model_files import TOKENIZER
from mmgpt_desktop.engine.folder.tokenizing import encode, load_tokenizer
from mmgpt_desktop.errors import PromptError
from mmgpt_desktop.messages import Message
from mmgpt_desktop.text import plainly_typed


@dataclass(frozen=True)
class TextPrompt:
    """Token ids to feed, and how many of the oldest turns found no place."""

    token_ids: tuple[int, ...]
    dropped_turns: int = 0


class MmgptFamily:
    """Text to token ids and back, for one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._special = bundle.manifest.special_tokens
        self._context_length = bundle.manifest.decoder.context_length
        self._tokenizer = _load_tokenizer(bundle.file(TOKENIZER))
        self.stop_ids = frozenset(
            (self._special.pad, self._special.user, self._special.assistant, self._special.end)
        )

    def build_prompt(self, messages: Sequence[Message], room: int) -> TextPrompt:
        """Lay out a conversation so that `room` tokens of answer still fit.

        The oldest turns go first. Raises PromptError for an empty question, and for one
        that is too long by itself.
        """
        *earlier, question = messages
        text = plainly_typed(clean(question.text))
        if not text:
            raise PromptError("The question is empty.", "Type a question first.")
        last = [self._special.user, *self._encode(text), self._special.assistant]
        limit = self._context_length - min(room, self._context_length // 2)
        if len(last) > limit:
            raise PromptError(
                "The question is too long: {tokens} tokens, and this model reads {limit}.",
                "Ask a shorter question.",
                tokens=len(last) - 2,
                limit=limit - 2,
            )
        turns = self._turns(earlier)
        sizes = itertools.accumulate((len(turn) for turn in reversed(turns)), initial=len(last))
        kept = sum(size <= limit for size in sizes) - 1
        recent = turns[len(turns) - kept :]
        return TextPrompt((*itertools.chain(*recent), *last), len(turns) - kept)

    def token_bytes(self, token_id: int) -> bytes:
        """What a token adds to the answer; a character may take the bytes of several tokens."""
        if token_id in self.stop_ids:
            return b""
        token = self._tokenizer.id_to_token(token_id) or ""
        return byte_level_bytes(token)

    def _turns(self, messages: Sequence[Message]) -> list[list[int]]:
        """Token ids of the questions that were answered."""
        return [
            [
                *(self._special.user, *self._encode(plainly_typed(question))),
                *(self._special.assistant, *self._encode(answer)),
                self._special.end,
            ]
            for question, answer in answered(messages)
        ]

    def _encode(self, text: str) -> list[int]:
        return encode(self._tokenizer, text)


def _load_tokenizer(path: Path) -> Tokenizer:
    tokenizer = load_tokenizer(path, remember=False)
    tokenizer.encode_special_tokens = True  # "<|end|>" typed by a user is plain text
    return tokenizer
