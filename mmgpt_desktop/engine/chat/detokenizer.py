"""From token ids to text: what each token adds, in bytes, and characters out of bytes."""

from __future__ import annotations

import codecs
import json
import re

from tokenizers import Tokenizer

from mmgpt_desktop.text import without_controls

_SPACE = "\u2581"  # SentencePiece writes a space as this
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")  # and a byte that no token covers like this


class TextStream:
    """Bytes of tokens in, text out; a character is held back until its last byte is there."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._begun = False

    def feed(self, data: bytes) -> str:
        text = without_controls(self._decoder.decode(data))
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        return text


class Spelling:
    """What each token of a tokenizer adds to the text, for byte-level BPE and SentencePiece."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._added = tokenizer.get_added_tokens_decoder()
        self._byte_level = _is_byte_level(tokenizer)

    def bytes_of(self, token_id: int) -> bytes:
        """Nothing for a special token or an unknown id."""
        if added := self._added.get(token_id):
            return b"" if added.special else added.content.encode()
        token = self._tokenizer.id_to_token(token_id) or ""
        if self._byte_level:
            return byte_level_bytes(token)
        if byte := _BYTE.fullmatch(token):
            return bytes.fromhex(byte[1])
        return token.replace(_SPACE, " ").encode()


def byte_level_bytes(token: str) -> bytes:
    return bytes(_BYTE_OF[character] for character in token if character in _BYTE_OF)


def _is_byte_level(tokenizer: Tokenizer) -> bool:
    """Some files say it of the way in alone."""
    for part in (tokenizer.decoder, tokenizer.pre_tokenizer):
        if part is not None:
            told = json.loads(part.__getstate__())
            parts = told.get("decoders", told.get("pretokenizers", [told]))
            return "ByteLevel" in (each["type"] for each in parts)
    return False


def _byte_alphabet() -> dict[str, int]:
    """Byte-level BPE writes each byte as one visible character.

    Bytes that are visible in Latin-1 stand for themselves; the others, in order, are the
    characters from U+0100 on (Radford et al. 2019, the GPT-2 tokenizer).
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {
        chr(0x100 + index): byte for index, byte in enumerate(hidden)
    }


_BYTE_OF = _byte_alphabet()
