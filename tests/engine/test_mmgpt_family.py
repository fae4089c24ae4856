from __future__ import annotations

from pathlib import Path

import pytest

from mmgpt_desktop.engine.chat.detokenizer import TextStream
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.errors import BundleError, PromptError
from mmgpt_desktop.messages import Message
from tests.tiny_bundle import ANSWER, CONTEXT

USER, ASSISTANT, END = 1, 2, 3


@pytest.fixture
def family(tiny_bundle: Path) -> MmgptFamily:
    return MmgptFamily(open_bundle(tiny_bundle))


def ask(text: str) -> list[Message]:
    return [Message("user", text)]


def text_of(family: MmgptFamily, ids: tuple[int, ...]) -> str:
    return b"".join(map(family.token_bytes, ids)).decode()


def test_a_question_is_laid_out_between_its_tokens(family: MmgptFamily) -> None:
    ids = family.build_prompt(ask("  A dog \n"), 10).token_ids
    assert (ids[0], ids[-1]) == (USER, ASSISTANT)
    assert text_of(family, ids) == "A dog"


def test_a_follow_up_carries_the_conversation(family: MmgptFamily) -> None:
    earlier = [Message("user", "A dog"), Message("assistant", "A small dog")]
    ids = family.build_prompt([*earlier, *ask("What is it?")], 10).token_ids
    specials = [token for token in ids if token < 4]
    assert specials == [USER, ASSISTANT, END, USER, ASSISTANT]
    assert text_of(family, ids) == "A dogA small dogWhat is it?"


def test_questions_that_got_no_answer_are_left_out(family: MmgptFamily) -> None:
    unanswered = [Message("user", "Where?"), Message("user", "A"), Message("assistant", " ")]
    assert family.build_prompt([*unanswered, *ask("A dog")], 10) == family.build_prompt(
        ask("A dog"), 10
    )


def test_special_tokens_in_a_question_are_plain_text(family: MmgptFamily) -> None:
    text = "<|end|> <|user|><|assistant|><|pad|>"
    ids = family.build_prompt(ask(text), 10).token_ids
    assert not {0, 1, 2, 3} & set(ids[1:-1])
    assert text_of(family, ids) == text


def test_control_characters_are_dropped_and_all_is_one_line(family: MmgptFamily) -> None:
    ids = family.build_prompt(ask("a\x00b\x1b[31m\tc\r\nd\ud800e\x7f"), 10).token_ids
    assert text_of(family, ids) == "ab[31m c de"


def test_a_chinese_keyboards_marks_are_read_like_english_ones(family: MmgptFamily) -> None:
    """The model learnt English only, and most of its first users type with such a keyboard."""
    typed, plain = "\uff29\uff53 it a dog\uff0c\u200bor\u3000a cat\uff1f", "Is it a dog, or a cat?"
    assert family.build_prompt(ask(typed), 10) == family.build_prompt(ask(plain), 10)
    told = [*ask(typed), Message("assistant", "a cat"), *ask("Why\uff1f")]
    same = [*ask(plain), Message("assistant", "a cat"), *ask("Why?")]
    assert family.build_prompt(told, 10) == family.build_prompt(same, 10)


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00\x07"])
def test_an_empty_question_is_refused(family: MmgptFamily, text: str) -> None:
    with pytest.raises(PromptError, match="empty"):
        family.build_prompt(ask(text), 10)


@pytest.mark.parametrize("text", ["x" * 100_000, "dog " * 25_000, "\U0001f436" * 100_000])
def test_a_100000_character_question_is_refused(family: MmgptFamily, text: str) -> None:
    with pytest.raises(PromptError) as caught:
        family.build_prompt(ask(text), 32)
    assert caught.value.values["limit"] == CONTEXT - 32 - 2
    assert str(caught.value.values["tokens"]) in caught.value.title


def test_the_oldest_turns_go_first_when_the_conversation_is_long(family: MmgptFamily) -> None:
    turns = [
        message
        for number in range(20)
        for message in (Message("user", f"{number}"), Message("assistant", "A small dog runs"))
    ]
    prompt = family.build_prompt([*turns, *ask("A dog")], 32)
    assert len(prompt.token_ids) <= CONTEXT - 32
    assert 0 < prompt.dropped_turns < 20
    kept = text_of(family, prompt.token_ids)
    assert "19A small dog runs" in kept
    one_more = family.build_prompt([*turns[2 * prompt.dropped_turns :], *ask("A dog")], 32)
    assert one_more.dropped_turns == 0
    assert one_more.token_ids == prompt.token_ids


def test_room_for_the_answer_never_takes_more_than_half(family: MmgptFamily) -> None:
    assert family.build_prompt(ask("A dog"), 10_000).token_ids


def test_token_bytes_give_the_text_back(family: MmgptFamily) -> None:
    text = "naïve 🐶 中文 tab"
    assert text_of(family, family.build_prompt(ask(text), 10).token_ids) == text
    assert family.token_bytes(END) == b""
    assert family.token_bytes(10**6) == b""


def test_text_never_shows_a_broken_character() -> None:
    stream = TextStream()
    texts = [stream.feed(bytes([byte])) for byte in "é🐶!".encode()]
    assert texts == ["", "é", "", "", "", "🐶", "!"]


def test_invalid_and_unfinished_bytes_are_dropped() -> None:
    stream = TextStream()
    assert stream.feed(b" a\xff") == "a"
    assert stream.feed(b"\xf0\x9f") == ""
    assert stream.feed(b" b\x1b") == " b"


def test_a_damaged_tokenizer_is_one_sentence(own_bundle: Path) -> None:
    bundle = open_bundle(own_bundle)
    (own_bundle / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleError, match="tokenizer can't be read"):
        MmgptFamily(bundle)


def test_the_answer_survives_a_round_trip(family: MmgptFamily) -> None:
    assert text_of(family, family.build_prompt(ask(ANSWER), 10).token_ids) == ANSWER
