"""WordNet's files, on a made-up one, and on the real one where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.training.wordnet import (
    FOLDER,
    PARTS_OF_SPEECH,
    Nouns,
    is_installed,
    read_synsets,
)

LICENCE = "  1 This is a licence.  \n"
NOUNS = """\
00000010 03 n 01 thing 0 000 | what is  there  
00000020 03 n 02 animal 0 living_thing 0 002 @ 00000010 n 0000 ~ 00000030 n 0000 | it moves; "an animal"  
00000030 03 n 01 dog 0 001 @ 00000020 n 0000 | it barks  
00000040 03 n 01 cat 0 001 @ 00000020 n 0000 | it mews  
00000050 03 n 01 Rex 0 002 @i 00000030 n 0000 + 00000010 v 0101 | a certain dog  
00000060 03 n 01 tool 0 001 @ 00000010 n 0000 | of use  
00000070 03 n 01 cat 1 001 @ 00000060 n 0000 | a whip  
"""  # noqa: E501, W291
INDEX = """\
animal n 1 2 @ ~ 1 0 00000020
cat n 2 1 @ 2 0 00000040 00000070
dog n 1 1 @ 1 0 00000030
living_thing n 1 2 @ ~ 1 0 00000020
rex n 1 1 @i 1 0 00000050
thing n 1 0 1 0 00000010
tool n 1 1 @ 1 0 00000060
"""
OTHERS = {
    "verb": "00000010 29 v 02 bark 0 bay 0 001 + 00000030 n 0101 02 + 02 00 + 08 00 | sound\n",
    "adj": "00000010 00 a 02 awake(p) 0 wide_awake 0 000 | not asleep\n",
    "adv": '00000010 02 r 01 now 0 000 | at once; "come now"\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part, lines in {"noun": NOUNS, **OTHERS}.items():
        (tmp_path / f"data.{part}").write_text(LICENCE + lines)
    (tmp_path / "index.noun").write_text(LICENCE + INDEX)
    (tmp_path / "noun.exc").write_text("doggies dog\n")
    return tmp_path


def test_a_synset_has_its_words_its_hypernyms_and_its_gloss(folder: Path) -> None:
    synsets = {synset.number: synset for synset in read_synsets(folder, "noun")}
    assert synsets[20].lemmas == ("animal", "living thing")
    assert synsets[20].hypernyms == (10,)
    assert synsets[20].gloss == 'it moves; "an animal"'
    assert synsets[50].hypernyms == (30,)
    assert synsets[10].hypernyms == ()


def test_glosses_come_from_all_parts_of_speech(folder: Path) -> None:
    found = [
        (lemma, synset.gloss)
        for part in PARTS_OF_SPEECH
        for synset in read_synsets(folder, part)
        for lemma in synset.lemmas
    ]
    assert len(found) == 8 + 2 + 2 + 1
    assert ("living thing", 'it moves; "an animal"') in found
    assert ("thing", "what is there") in found
    assert ("bay", "sound") in found
    assert ("awake", "not asleep") in found
    assert found[-1] == ("now", 'at once; "come now"')


def test_plurals_are_found_by_their_singular(folder: Path) -> None:
    nouns = Nouns.read(folder)
    assert nouns.synsets("Dogs") == nouns.synsets("doggies") == (30,)
    assert nouns.synsets("living thing") == (20,)
    assert nouns.synsets("cat") == (40, 70)
    assert nouns.synsets("unheard of") == ()


def test_similarity_is_wu_and_palmers(folder: Path) -> None:
    nouns = Nouns.read(folder)
    assert nouns.depth(10) == 1
    assert nouns.depth(50) == 4
    assert nouns.similarity(30, 40) == 2 * 2 / (3 + 3)
    assert nouns.similarity(50, 30) == 2 * 3 / (4 + 3)
    assert nouns.similarity(30, 60) == 2 * 1 / (3 + 2)
    assert nouns.similarity(30, 30) == 1


def test_words_are_as_near_as_their_nearest_senses(folder: Path) -> None:
    nouns = Nouns.read(folder)
    assert nouns.word_similarity("cat", "dog") == 2 * 2 / (3 + 3)
    assert nouns.word_similarity("cats", "tool") == 2 * 2 / (2 + 3)
    assert nouns.word_similarity("3", "3") == 1
    assert nouns.word_similarity("3", "dog") == 0


def test_a_missing_wordnet_is_said(tmp_path: Path) -> None:
    assert not is_installed(tmp_path)
    with pytest.raises(AppError, match="wordnet-base"):
        next(read_synsets(tmp_path, "noun"))


@pytest.mark.data  # Debian's wordnet-base
def test_published_similarities() -> None:
    """Of Malinowski and Fritz 2014, "A multi-world approach to question answering"."""
    nouns = Nouns.read(FOLDER)
    assert nouns.word_similarity("curtain", "blinds") == pytest.approx(0.94, abs=0.01)
    assert nouns.word_similarity("carton", "box") == pytest.approx(0.94, abs=0.01)
    assert nouns.word_similarity("stove", "fire extinguisher") == pytest.approx(0.82, abs=0.01)
