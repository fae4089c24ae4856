"""The text of pretraining: where it comes from, and how it becomes rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import default_data_collator

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.modelling import IGNORED
from mmgpt_desktop.training.corpus import TextRows, definitions, photo_texts, split_definitions
from mmgpt_desktop.training.photo_texts import PhotoTexts

PAD, END = 0, 3
TEXTS = ["a b c d", "e f", "g h i"]


def tokenizer() -> Tokenizer:
    words = {word: 10 + number for number, word in enumerate("abcdefghi")}
    made = Tokenizer(models.WordLevel({"?": 9, **words}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def rows_of(length: int, rows: int | None = None, seed: int = 0) -> TextRows:
    return TextRows(TEXTS, tokenizer(), length, rows, seed)


def test_each_text_comes_once_and_ends() -> None:
    rows = rows_of(5)
    ids = [token for number in range(len(rows)) for token in rows[number]["input_ids"]]
    written = [token for token in ids if token != PAD]
    assert sorted(written) == sorted([*range(10, 19), END, END, END])
    assert ids[len(written) :] == [PAD] * (len(ids) - len(written))


def test_a_text_sees_itself_alone_and_is_told_no_first_token() -> None:
    for number in range(len(rows_of(5))):
        row = rows_of(5)[number]
        for place, (token, label) in enumerate(zip(row["input_ids"], row["labels"], strict=True)):
            segment = row["segments"][place]
            begins = place == 0 or segment != row["segments"][place - 1]
            assert label == (IGNORED if begins or token == PAD else token)
            assert (segment == 0) == (token == PAD)
            if place and row["input_ids"][place - 1] == END:
                assert begins


def test_rows_go_on_with_newly_shuffled_texts() -> None:
    rows = rows_of(4, rows=40)
    assert len(rows) == 40
    assert all(PAD not in rows[number]["input_ids"] for number in range(40))
    assert rows.rows == rows_of(4, rows=40).rows != rows_of(4, rows=40, seed=1).rows
    assert rows.rows[:20] == rows_of(4, rows=20).rows


def test_a_long_text_is_cut() -> None:
    row = rows_of(3)
    assert all(len(row[number]["input_ids"]) == 3 for number in range(len(row)))
    ids = [token for number in range(len(row)) for token in row[number]["input_ids"]]
    assert 13 not in ids  # the fourth word of "a b c d"


def test_rows_stack_to_a_batch() -> None:
    rows = rows_of(5)
    batch = default_data_collator([rows[0], rows[1]])
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "input_ids": (2, 5),
        "segments": (2, 5),
        "labels": (2, 5),
    }


def test_each_hundredth_definition_is_held_out() -> None:
    known, held_out = split_definitions([str(number) for number in range(250)])
    assert held_out == ["0", "100", "200"]
    assert len(known) == 247
    assert not set(known) & set(held_out)


def test_definitions_leave_examples_out(tmp_path: Path) -> None:
    lines = {
        "noun": '00000010 03 n 01 hot_dog 0 000 | a sausage in a roll; "he ate one"  \n',
        "verb": "00000010 29 v 01 bark 0 000 | make a dog's sound  \n",
        "adj": "",
        "adv": "",
    }
    for part, text in lines.items():
        (tmp_path / f"data.{part}").write_text("  1 A licence.  \n" + text, encoding="utf-8")
    assert definitions(tmp_path) == ["hot dog: a sausage in a roll.", "bark: make a dog's sound."]


def test_without_wordnet_the_error_names_its_package(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="wordnet-base"):
        definitions(tmp_path)


def test_photos_give_questions_and_answers() -> None:
    photo = PhotoTexts("images/coco/a.jpg")
    photo.pairs["caption"].append(("", "A dog runs."))
    photo.pairs["vqa"].append(("what runs", "dog"))
    caption, question = photo_texts([photo])
    assert caption == "A dog runs."
    assert question.lower() in {"what runs? dog", "what runs dog"}
