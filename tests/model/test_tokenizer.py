"""The byte-level tokenizer encodes any text, and gives it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from mmgpt_desktop.model.configuration import SPECIAL_TOKENS
from mmgpt_desktop.training.tokenizer import train_on


@pytest.mark.parametrize("text", ["A dog runs.", "猫 und 🐶\n\tno", "\x00\x7f", " leading blank"])
def test_any_text_comes_back(tiny_tokenizer: Path, text: str) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_tokenizer))
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_special_tokens_come_first_and_frequent_words_are_one_token() -> None:
    tokenizer = train_on(["the dog"] * 50, 280)
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == [0, 1, 2, 3]
    assert len(tokenizer.encode("the dog").ids) == 2
