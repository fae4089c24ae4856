from __future__ import annotations

import numpy as np
import pytest

from mmgpt_desktop.attention.raw import Shares, cell_weights
from mmgpt_desktop.attention.words import (
    SMALL_WORDS,
    Word,
    count_words,
    group_words,
    is_content_word,
    is_function_word,
)
from mmgpt_desktop.messages import AttentionMap
from tests.fakes import whole_grid
from tests.records import steps_of

GRID = whole_grid(2, 3, 30, 20)


def words(*texts: str) -> list[str]:
    return [word.text for word in group_words(steps_of(texts))]


def test_a_word_begins_with_its_space() -> None:
    assert words("A", " small", " d", "og", ".") == ["A", " small", " dog."]
    assert words("A", "\nnew", " line") == ["A", "\nnew", " line"]


def test_a_space_by_itself_belongs_to_the_next_word() -> None:
    assert words("A", " ", "dog") == ["A", " dog"]
    assert words("A", " ", " dog") == ["A", "  dog"]


def test_unfinished_characters_stay_in_their_word() -> None:
    assert words("A", " ", "", "🐶", " dog", "") == ["A", " 🐶", " dog"]


def test_a_repeated_word_is_two_words() -> None:
    first, second = group_words(steps_of([" dog", " dog"]))
    assert (first.start, first.stop, second.start, second.stop) == (0, 1, 1, 2)


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        ("一只 猫 坐在 沙发 上 。", "一只 猫 坐在 沙发 上。"),
        ("他说 、 「 你好 」 。 2 只 cat 坐", "他说、 「你好」。 2 只 cat 坐"),
        ("上 。一 只", "上 。一 只"),  # a token is never split
        ("猫が ソ ファ ー に 座って いる", "猫が ソファー に 座って いる"),
        ("แม ว ่ กิน", "แม ว่ กิน"),  # a tone mark stays with its letter
        ("ខ្មែ រ និង", "ខ្មែ រ និង"),
        ("我 有 3 . 5 元 和 Wi - Fi 、 猫 🐶 狗", "我 有 3.5 元 和 Wi-Fi、 猫 🐶 狗"),
        ("“ 猫 ” 和 “ 狗 ”", "“猫” 和 “狗”"),
    ],
)
def test_words_without_spaces_end_where_unicode_says(tokens: str, found: str) -> None:
    grouped = words(*tokens.split())
    assert grouped == found.split()
    assert "".join(grouped) == tokens.replace(" ", "")


def test_languages_with_spaces_are_told_apart_by_them() -> None:
    assert words("고양", "이가", " 소파", "에") == ["고양이가", " 소파에"]
    assert words("dog", "🐶", " it", "'s", " cat", "-", "like", "(", "x", ")", "—", "ok") == [
        "dog🐶",
        " it's",
        " cat-like(x)—ok",
    ]
    assert words("“", "One", "”", "and", "…", " two") == ["“One”and…", " two"]


def test_a_character_of_several_tokens_is_its_word_s_own() -> None:
    grouped = group_words(steps_of(["一", "", "", "猫", "", "在", " cat", "", "。", ""]))
    assert [(word.text, word.start, word.stop) for word in grouped] == [
        ("一", 0, 1),
        ("猫", 1, 4),
        ("在", 4, 6),
        (" cat。", 6, 10),
    ]


def test_words_are_counted_with_and_without_spaces() -> None:
    assert count_words(steps_of(["A", " small dog", "."])) == 3
    assert count_words(steps_of(["一只", "猫", "坐在", "沙发", "上", "。", ""])) == 5
    assert count_words([]) == 0


def test_no_steps_no_words() -> None:
    assert group_words([]) == ()


def test_words_cover_all_steps_and_multiply_probabilities() -> None:
    grouped = group_words(steps_of(["A", " d", "o", "g", " x"]))
    assert [word.start for word in grouped[1:]] == [word.stop for word in grouped[:-1]]
    assert (grouped[0].start, grouped[-1].stop) == (0, 5)
    assert grouped[1].probability == pytest.approx(0.125)


def attention(value: float) -> AttentionMap:
    """Layer l, head h, cell c weighs value + 100 l + 10 h + c."""
    layers, heads, cells = np.meshgrid(range(2), range(4), range(6), indexing="ij")
    return AttentionMap((value + 100 * layers + 10 * heads + cells).astype(np.float16), GRID)


def test_cells_are_the_mean_of_the_chosen_heads() -> None:
    cells = cell_weights([attention(0)], [(1, 2), (0, 3)])
    assert cells.dtype == np.float32
    assert cells.tolist() == [[75, 76, 77], [78, 79, 80]]


def test_cells_are_the_mean_of_the_maps() -> None:
    assert cell_weights([attention(0), attention(2)], [(0, 0)])[0, 0] == 1


def test_no_chosen_heads_stand_for_all() -> None:
    assert cell_weights([attention(0)], [])[0, 0] == 65


def test_shares_are_means_over_layers_heads_and_tokens() -> None:
    first = np.zeros((2, 2, 6), np.float16)
    first[0, :, 2] = 0.5  # layer 0 reads half from the photo, layer 1 nothing
    second = np.full((2, 2, 6), 0.125, np.float16)
    parts = Shares.of([AttentionMap(first, GRID, 0.25), AttentionMap(second, GRID, 0.0)])
    assert parts.photo == pytest.approx((0.25 + 0.75) / 2)
    assert parts.names == pytest.approx(0.125)
    assert parts.photo + parts.names + parts.rest == pytest.approx(1)


def test_rounding_to_half_precision_makes_no_share_negative() -> None:
    assert Shares.of([AttentionMap(np.full((1, 1, 6), 0.1667, np.float16), GRID)]).rest == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [(" the", 0), (" Of.", 0), (" dog,", 1), ("Two", 1), (" 3", None), (".", None), (" “", None)],
)
def test_words_are_function_words_content_or_neither(text: str, kind: int | None) -> None:
    assert is_function_word(text) is (kind == 0)
    assert is_content_word(text) is (kind == 1)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (" (cat),", "cat"),
        (" **cat**", "cat"),
        (" it's", "it's"),
        ("5%", "5%"),
        (" 猫。", "猫"),
        ("…", "…"),
    ],
)
def test_a_bare_word_has_no_marks_around_it(text: str, bare: str) -> None:
    assert Word(text, 0, 1, 1.0).bare == bare


def test_words_that_tell_nothing_of_a_picture_are_in_one_list() -> None:
    assert {"the", "picture", "behind", "的", "です"} <= SMALL_WORDS
    assert not {"cat", "red", "猫"} & SMALL_WORDS
