"""Other words for the same question."""

from __future__ import annotations

import random
import re

import pytest

from mmgpt_desktop.training import wordings as module
from mmgpt_desktop.training.photo_texts import ask
from mmgpt_desktop.training.wordings import Wordings, blurred, clause, typed, wordings

ONE_OF_EACH = {
    "caption": "",
    "scene": "",
    "objects": "",
    "label": "",
    "yesno": "is there a dog",
    "colour": "what color is the coat",
    "count": "how many dogs are there",
    "where": "where in the picture is the lamp",
    "action": "what is the dog doing",
}


STEMS = {
    **ONE_OF_EACH,
    "animal": "what animal is this",
    "who": "who is in the picture",
    "inside": "is this indoors or outdoors",
    "either": "is it a dog or a cat",
    "largest": "what fills most of the picture",
    "relation": "is the lamp left or right of the bed",
    "share": "how much of the picture is sky",
    "bigger": "which is larger, the dog or the ball",
    "flower": "",
    "thing": "",
    "garment": "",
    "truefalse": "A dog runs.",
    "held": "what is the dog jumping over",
    "does": "is the man holding a ball",
}
YES_NO = {"is this a rose": "a rose", "are these shorts": "shorts"}
"""What yes-or-no questions about names ask for."""


def test_a_statement_is_asked_about_as_it_stands_or_inside_a_question() -> None:
    asked = many("training", "truefalse", "A dog runs.")
    assert {"Is it true that a dog runs?", "True or false: A dog runs."} <= asked
    assert {"A dog runs. Right?", "A dog runs. True?"} & asked
    unseen = many("unseen", "truefalse", "I see two dogs.")
    assert "Can it be said that I see two dogs?" in unseen
    assert all("see two dogs" in each for each in unseen)


@pytest.mark.parametrize("stem", YES_NO)
def test_a_name_is_asked_for_in_other_words(stem: str) -> None:
    trained, unseen = every("training", "yesno", stem), every("unseen", "yesno", stem)
    assert min(len(trained), len(unseen)) > 2
    assert not trained & unseen
    assert all(YES_NO[stem] in each for each in trained | unseen)


def many(part: str, kind: str, stem: str) -> set[str]:
    words = wordings(part)
    return {ask(kind, stem, random.Random(seed), words) for seed in range(2000)}


def every(part: str, kind: str, stem: str) -> set[str]:
    """All that a part's patterns for a question can become."""
    words = wordings(part)
    whole = words.whole.get("describe" if kind == "caption" else kind, ())
    patterns = [way.format(stem, clause(stem)) for way in whole]
    for expression, ways in words.parts.items():
        if found := expression.fullmatch(stem):
            patterns += [way.format(stem, *found.groups()) for way in ways]
    return set().union(*map(spelled_out, patterns))


def spelled_out(pattern: str) -> set[str]:
    found = re.search(r"\[([^\[\]]*)\]", pattern)
    if not found:
        return {plain(pattern)}
    before, after = pattern[: found.start()], pattern[found.end() :]
    return set().union(*(spelled_out(before + each + after) for each in found[1].split("|")))


def plain(question: str) -> str:
    return re.sub(r"\W+", " ", question.lower().replace("colour", "color")).strip()


@pytest.mark.parametrize(("kind", "stem"), STEMS.items())
def test_the_unseen_words_are_none_that_training_uses(kind: str, stem: str) -> None:
    usual = {ask(kind, stem, random.Random(seed)) for seed in range(100)}
    trained = every("training", kind, stem) | {plain(each) for each in usual}
    unseen = every("unseen", kind, stem)
    assert len(trained) >= 5
    assert unseen
    assert not trained & unseen


@pytest.mark.parametrize("part", ["training", "unseen"])
def test_no_pattern_leaves_a_sign_of_itself(part: str) -> None:
    for kind, stem in {**STEMS, "name": "", "actions": "", "title": ""}.items():
        for question in many(part, kind, stem):
            assert not re.search(r"[\[\]{}|]|  | [.?]", question), question


def test_a_stem_lends_its_words() -> None:
    words = Wordings({}, {re.compile("is (.+) or (.+)"): ["[{2}|{2}] before {1}"]})
    assert words.worded("either", "is tea or milk", random.Random(0)) == "milk before tea"
    assert words.worded("either", "is it tea", random.Random(0)) == ""


def test_people_type_in_many_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {typed("what color is it", random.Random(seed)) for seed in range(60)}
    assert {"What color is it?", "what colour is it", "what color is it?"} <= ways
    monkeypatch.setattr(module, "AS_WRITTEN", 1.0)
    assert typed("count the dogs.", random.Random(0)) == "Count the dogs."


def test_in_a_hurry_little_words_and_letters_get_lost_and_no_more() -> None:
    asked = "What color is the umbrella?"
    hurried = {blurred(asked, random.Random(seed)) for seed in range(300)}
    assert asked in hurried
    assert "What color is umbrella?" in hurried
    assert all(len(each.replace(" ", "")) >= 6 and len(each) <= len(asked) for each in hurried)
    assert all("color" in each or "umbrella" in each for each in hurried)
    assert blurred("the", random.Random(1)) == "the"
