"""A model of English learns Chinese as well: what it had stays, and new tokens begin near what they
translate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.packing import save_packed
from mmgpt_desktop.training.__main__ import main
from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.second_language import add_chinese, alignment, embed, extended, grown
from mmgpt_desktop.training.tokenizer import train_on
from tests.model.conftest import random_model, tiny_config
from tests.not_none import not_none

ENGLISH = ["A dog runs. Is there a dog?", "the cat café"]
CHINESE = ["一只狗在跑。", "狗 dog dog dog", "猫在草地上"] * 9


@pytest.fixture
def english() -> Tokenizer:
    return train_on(ENGLISH * 5, 290)


def test_english_keeps_its_tokens_and_chinese_takes_fewer(english: Tokenizer) -> None:
    both = extended(english, train_on(CHINESE, 400), 320)
    for text in ENGLISH:
        assert both.encode(text).ids == english.encode(text).ids
    for text in CHINESE:
        tokens = both.encode(text)
        assert both.decode(tokens.ids) == text
        assert len(tokens.ids) < len(english.encode(text).ids)
    assert english.get_vocab_size() < both.get_vocab_size() <= 320
    new = [both.id_to_token(i) for i in range(english.get_vocab_size(), both.get_vocab_size())]
    assert not any(not_none(token).isascii() for token in new), new
    assert len(both.encode("狗").ids) == 1


def test_no_more_tokens_than_wanted(english: Tokenizer) -> None:
    wanted = english.get_vocab_size() + 3
    assert extended(english, train_on(CHINESE, 400), wanted).get_vocab_size() == wanted


def test_tokens_that_always_meet_stand_for_one_another() -> None:
    english, chinese = [[1, 2], [1, 3], [2, 3], [1]], [[12, 11], [11, 13], [13, 12], [11]]
    pairs, often = alignment(english, chinese)
    best = {int(word): int(pairs[pairs[:, 0] == word][often[pairs[:, 0] == word].argmax(), 1])
            for word in np.unique(pairs[:, 0])}  # fmt: skip
    assert best == {1: 11, 2: 12, 3: 13}
    assert often.sum() == pytest.approx(sum(map(len, chinese)))


def test_a_new_token_begins_near_what_it_translates(english: Tokenizer) -> None:
    both = extended(english, train_on(CHINESE, 400), 400)
    known, weight = english.get_vocab_size(), torch.randn(both.get_vocab_size(), 8)
    before = weight.clone()
    embed(weight, known, both, [(" dog", "狗"), (" cat", "猫")])
    (dog,), (word,) = both.encode("狗").ids, both.encode("A dog").ids[1:]
    assert torch.allclose(weight[dog], before[word])
    assert torch.equal(weight[:known], before[:known])
    grass = both.encode("草地上").ids
    assert torch.equal(weight[grass], before[grass])  # of no pair


@pytest.fixture
def old(english: Tokenizer) -> MMGPTForConditionalGeneration:
    config = tiny_config()
    config.vocab_size = english.get_vocab_size()
    return random_model(config)


def test_what_it_writes_in_english_stays(
    old: MMGPTForConditionalGeneration, english: Tokenizer
) -> None:
    both = extended(english, train_on(CHINESE, 400), 330)
    new = grown(old, both).eval()
    assert new.config.languages == ["en", "zh"]
    assert new.config.vocab_size == both.get_vocab_size()
    ids = torch.tensor([english.encode(ENGLISH[0]).ids])
    before, after = old(input_ids=ids).logits, new(input_ids=ids).logits
    # As far as arithmetic goes: a larger product may be added up in another order.
    torch.testing.assert_close(after[..., : old.config.vocab_size], before)
    known = new.embedding.weight[: old.config.vocab_size]
    assert torch.equal(known, old.embedding.weight)
    length = old.config.name_tokens
    slots, was = new.names.slot.view(2, 2, length, -1), old.names.slot.view(2, length, -1)
    assert torch.equal(slots[:, 0], was)
    assert not torch.allclose(slots[:, 1], was)
    cat = class_names().index("tiger cat")
    assert both.decode(new.names.tokens[cat, :length].tolist()).startswith(" t")


def photo_rows(folder: Path) -> None:
    (folder / "images" / "coco").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(folder / "images/coco/a.png")
    row = {"image": "images/coco/a.png", "split": "train", "source": "here", "question": ""}
    rows = [
        row | {"kind": "caption", "answer": "a dog runs"},
        row | {"kind": "caption-zh", "answer": "一只狗在跑"},
    ]
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_a_bundle_learns_a_second_language_once(
    old: MMGPTForConditionalGeneration,
    english: Tokenizer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photo_rows(tmp_path)
    bundle, work = tmp_path / "bundle", tmp_path / "work"
    bundle.mkdir()
    save_packed(old, bundle)
    english.save(str(bundle / "tokenizer.json"))
    options = ["--data", str(tmp_path), "--work", str(work), "--start", str(bundle)]
    main(["second-language", *options, "--vocabulary", "330"])
    assert "330 tokens" in capsys.readouterr().out
    model = MMGPTForConditionalGeneration.from_pretrained(work / "grown")
    assert model.config.languages == ["en", "zh"]
    save_packed(model, bundle)
    with pytest.raises(AppError, match="knows Chinese already"):
        add_chinese(tmp_path, work, bundle)
