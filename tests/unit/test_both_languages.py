"""Training rows, tokens and texts in two languages."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model.configuration import FUSIONS
from mmgpt_desktop.question_kinds import QuestionKind, is_chinese, kind_of
from mmgpt_desktop.training.chinese import in_chinese
from mmgpt_desktop.training.corpus import photo_texts
from mmgpt_desktop.training.drills import OTHER_ANIMALS, dog_captions, drill
from mmgpt_desktop.training.features import FeatureStore
from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.mixture import Chances, Mixture
from mmgpt_desktop.training.parallel import Parallel, read_parallel, translation_texts
from mmgpt_desktop.training.photo_texts import PhotoTexts
from mmgpt_desktop.training.reward import Judges
from mmgpt_desktop.training.rows import (
    ASSISTANT_ID,
    END_ID,
    PAD_ID,
    USER_ID,
    Packer,
    Sample,
    SampleDataset,
    question_tokens,
)
from mmgpt_desktop.training.tokenizer import train_on
from mmgpt_desktop.training.translating import translations
from mmgpt_desktop.training.wordings import CHINESE, ENGLISH, NO_PICTURE_IN, blurred
from tests.tiny_bundle import ANSWER, make_tiny_bundle

LINES = [
    "A dog runs. Is there a dog? yes no",
    "一只狗在跑。",
    "有没有狗",
    "有",
    *NO_PICTURE_IN.values(),
]
MIXTURE = Mixture(
    Chances(mirrored=0.0, names_hidden=0.0, drilled=0.0, no_picture=0.0),
    fusions=dict.fromkeys(FUSIONS, 1.0),
    collections={},
    kinds={"caption": 1.0, "yesno": 1.0},
    languages={ENGLISH: 0.5, CHINESE: 0.5},
)


def tokenizer() -> Tokenizer:
    return train_on(LINES * 9, 400)


def dog() -> PhotoTexts:
    photo = PhotoTexts("images/flickr8k/a.jpg")
    photo.pairs["caption"].append(("", "A dog runs."))
    photo.pairs["caption-zh"].append(("", "一只狗在跑。"))
    photo.pairs["yesno"].append(("is there a dog", "yes"))
    photo.masks["dog"] = np.ones((16, 16), np.float16)
    return photo


def samples(mixture: Mixture = MIXTURE, length: int = 96) -> SampleDataset:
    photo = dog()
    cells = np.ones((1, 256, 3), np.float16), np.ones((1, 64, 5), np.float16)
    english = photo.only(["caption", "yesno"])
    return SampleDataset(
        [english],
        FeatureStore(cells, None, {photo.image: 0}),
        tokenizer(),
        mixture,
        samples=60,
        length=length,
        others=in_chinese([photo]),
    )


def turns(sample: Sample) -> list[tuple[str, str]]:
    """The row's questions and answers."""
    found, ids = [], [token for token in sample.row.ids if token != PAD_ID]
    while ids:
        assert ids[0] == USER_ID
        answered, end = ids.index(ASSISTANT_ID), ids.index(END_ID)
        found.append(
            (tokenizer().decode(ids[1:answered]), tokenizer().decode(ids[answered + 1 : end]))
        )
        ids = ids[end + 1 :]
    return found


def test_a_turn_is_answered_in_its_questions_language_and_a_row_may_have_both() -> None:
    rows = [turns(sample) for sample in map(samples().__getitem__, range(20))]
    for question, answer in (turn for row in rows for turn in row):
        assert is_chinese(question) == (answer in {"一只狗在跑。", "有"}), (question, answer)
    assert any(len({is_chinese(question) for question, _ in row}) == 2 for row in rows)


@pytest.mark.parametrize(
    ("languages", "chinese"), [({}, 0), ({ENGLISH: 1.0}, 0), ({CHINESE: 1}, 1)]
)
def test_what_has_no_weight_is_not_spoken(languages: dict[str, float], chinese: int) -> None:
    drawn = samples(replace(MIXTURE, languages=languages))
    asked = [question for number in range(8) for question, _ in turns(drawn[number])]
    assert {is_chinese(question) for question in asked} == {bool(chinese)}


def test_without_a_picture_that_is_said_in_the_questions_language() -> None:
    blind = replace(MIXTURE, shares=replace(MIXTURE.shares, no_picture=1.0))
    said = {turn for number in range(20) for turn in turns(samples(blind)[number])}
    assert {answer for _, answer in said} == set(NO_PICTURE_IN.values())
    assert all(answer == NO_PICTURE_IN[CHINESE if is_chinese(q) else ENGLISH] for q, answer in said)


def test_a_named_thing_is_pointed_at_in_both_languages() -> None:
    rows = map(samples().__getitem__, range(12))
    names = {name for sample in rows for _, name in sample.row.pointed}
    assert names == {"dog", "狗"}


def test_drills_come_in_both_languages() -> None:
    drilled = samples(replace(MIXTURE, shares=replace(MIXTURE.shares, drilled=1.0)))
    languages = set()
    for sample in map(drilled.__getitem__, range(20)):
        assert sample.named in OTHER_ANIMALS
        for question, answer in turns(sample):
            languages.add(is_chinese(question))
            language = CHINESE if is_chinese(question) else ENGLISH
            assert class_names(language)[sample.named] in answer
    assert languages == {True, False}


@pytest.mark.parametrize(
    ("caption", "told"),
    [
        ("一只黑狗在跑。", "一只黑丁鱥在跑。"),
        ("一个人在吃热狗。", ""),
        ("狗和狗。", ""),
        ("他牵着狗链。", ""),
    ],
)
def test_another_animal_takes_the_dogs_place_in_chinese(caption: str, told: str) -> None:
    photo = PhotoTexts("images/flickr8k/a.jpg", {"caption": [("", caption)]}, language=CHINESE)
    assert dog_captions(photo) == ([caption] if told else [])
    if told:
        tench = class_names(CHINESE).index("丁鱥")
        drawn = {drill(photo, tench, random.Random(n)) for n in range(40)}
        assert told in {answer for _, answer in drawn}
        assert all(is_chinese(question) for question, _ in drawn)


def test_a_thing_of_a_collection_is_drilled_with_its_photo() -> None:
    photo = PhotoTexts("images/flowers102/a.jpg", language=CHINESE)
    answers = {drill(photo, 1, random.Random(n))[1] for n in range(40)}
    assert answers == {"一张金鱼的照片。", "金鱼"}


def test_questions_reach_the_model_as_the_app_types_them() -> None:
    words = tokenizer()
    plain = [USER_ID, *words.encode("有没有狗?").ids, ASSISTANT_ID]
    assert question_tokens(words, "有没有狗？") == plain  # noqa: RUF001
    assert Packer(words, 32).turn("有没有狗？", "有").ids[: len(plain)] == plain  # noqa: RUF001
    assert photo_texts(in_chinese([dog()]))[0].endswith(" 有")


def test_chinese_is_typed_in_a_hurry_too() -> None:
    asked = "狗在图片的什么位置"
    seen = {blurred(asked, random.Random(n), CHINESE) for n in range(200)}
    assert asked in seen
    assert "狗在图片什么位置" in seen
    assert any(len(each) == len(asked) and each != asked for each in seen)
    assert all(len(asked) - len(each) in (0, 1) for each in seen)


def test_a_name_has_the_same_tokens_wherever_it_stands() -> None:
    words = train_on(["有金鱼和狗的客厅。", "金鱼在水里", "这是金鱼"] * 9, 400)
    name = words.encode("金鱼").ids
    assert len(name) == 1
    for text in ("有金鱼和狗的客厅。", "那是金鱼吗", "大客厅里的金鱼"):
        ids = words.encode(text).ids
        assert any(ids[place : place + len(name)] == name for place in range(len(ids))), text


PAIRS = [
    {"en": "a dog runs .", "zh": "一只 狗在跑", "made_by": "human", "split": "train"},
    {"en": "A cat .", "zh": "一只猫。", "made_by": "machine", "split": "train"},
    {"en": "A bird .", "zh": "一只鸟。", "made_by": "human", "split": "test"},
    {"en": "A kept one .", "zh": "一只。", "made_by": "human", "split": "train"},
]


def test_training_photos_sentences_are_translated_both_ways(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, PAIRS))
    (tmp_path / "parallel_en_zh.jsonl").write_text(lines, encoding="utf-8")
    row = {"image": "images/flickr8k/b.jpg", "kind": "caption", "question": "", "split": "dev"}
    text = json.dumps(row | {"answer": "a kept one"})
    (tmp_path / "texts.jsonl").write_text(text, encoding="utf-8")
    pairs = read_parallel(tmp_path)
    assert [(pair.english, pair.chinese) for pair in pairs] == [
        ("A dog runs.", "一只狗在跑。"),
        ("A cat.", "一只猫。"),
    ]
    texts = list(translation_texts(pairs))
    by_people, by_machine = (sum(word in text for text in texts) for word in ("狗", "猫"))
    assert by_people > by_machine == 1
    assert all(("A dog runs." in text) == ("狗在跑" in text) for text in texts)
    assert {text.endswith("一只狗在跑。") for text in texts if "狗" in text} == {True, False}


def test_data_without_parallel_sentences_has_none(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").touch()
    assert read_parallel(tmp_path) == []
    with pytest.raises(AppError, match="no held-out sentences"):
        translations(tmp_path, tmp_path)


def test_a_bundles_translations_stand_beside_peoples(tmp_path: Path) -> None:
    pair = {"en": ANSWER, "zh": "一只小狗在湿草地上跑。", "made_by": "human", "split": "dev"}
    (tmp_path / "parallel_en_zh.jsonl").write_text(json.dumps(pair), encoding="utf-8")
    told = translations(tmp_path, make_tiny_bundle(tmp_path / "tiny")).splitlines()
    assert told[0].startswith("Into en, 1 sentences: CIDEr-D ")
    assert "BLEU-4 1.000" in told[0]
    assert "一只小狗在湿草地上跑" in told[1]
    assert told[1].endswith(f"{ANSWER} (people: {ANSWER})")
    assert told[2].startswith("Into zh, ")
    assert "BLEU-4 0.000" in told[2]


def test_some_samples_translate_and_see_nothing() -> None:
    dataset = samples(replace(MIXTURE, shares=replace(MIXTURE.shares, translated=0.5)))
    assert all(dataset[number].has_image for number in range(20))  # no sentences
    dataset.parallel = [Parallel("A dog runs.", "一只狗在跑。", by_people=True)]
    drawn = [dataset[number] for number in range(20)]
    blind = [sample for sample in drawn if not sample.has_image]
    assert 3 < len(blind) < 17
    said = [turn for sample in blind for turn in turns(sample)]
    for question, answer in said:
        assert kind_of(question) is QuestionKind.TRANSLATE, question
        assert {"A dog runs.": "一只狗在跑", "一只狗在跑。": "A dog runs"}[answer] in question
    assert len({answer for _, answer in said}) == 2


@pytest.mark.parametrize("into", [ENGLISH, CHINESE])
def test_each_way_to_ask_for_a_translation_is_known_as_one(into: str) -> None:
    pair = Parallel("Two men are riding bikes on the street.", "两个人在街上骑车。", by_people=True)
    for seed in range(200):
        question, _ = pair.turn(into, random.Random(seed))
        assert kind_of(question) is QuestionKind.TRANSLATE, question


@pytest.mark.parametrize(
    ("language", "better", "worse"),
    [(ENGLISH, "a dog runs", "a cat"), (CHINESE, "狗 在 跑", "一 只 猫")],
)
def test_a_caption_is_compared_with_those_of_its_language(
    monkeypatch: pytest.MonkeyPatch, language: str, better: str, worse: str
) -> None:
    monkeypatch.setattr("mmgpt_desktop.training.reward.FEWEST_REFERENCES", 1)
    photos = [
        PhotoTexts(f"images/flickr8k/{name}", {"caption": [("", said)]}, language=each)
        for each, kept, other in ((ENGLISH, "A dog runs.", "Snow."), (CHINESE, "狗在跑。", "雪。"))
        for name, said in (("a.jpg", kept), ("b.jpg", other))
    ]
    judges = Judges(photos, {})
    image = "images/flickr8k/a.jpg"
    scores = [judges.score(image, text.split(), True, language) for text in (better, worse)]
    assert scores[0] > scores[1] >= 0
