"""Questions made from captions: colour, count, action, place and yes/no.

Each maker reads the lower-case captions of one photo and yields question-answer pairs that
the captions themselves answer; nothing is guessed from the picture.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgpt_desktop.decoding import DataDecoder

QA = tuple[str, str]


@dataclass(frozen=True)
class Vocabulary:
    """The words that questions are made of, from `words.toml`."""

    colours: tuple[str, ...]
    coloured: frozenset[str]
    actors: tuple[str, ...]
    things: tuple[str, ...]
    people: frozenset[str]
    somebody: frozenset[str]
    animals: tuple[str, ...]
    not_actions: frozenset[str]
    outdoors: frozenset[str]
    indoors: frozenset[str]
    unmentioned: frozenset[str]
    sports: frozenset[str]
    exchanged: tuple[frozenset[str], ...]
    genders: tuple[frozenset[str], ...]
    mixed: frozenset[str]
    moving: frozenset[str]
    resting: frozenset[str]
    before_a_noun: frozenset[str]
    no_things: frozenset[str]
    open_ends: frozenset[str]
    plurals: dict[str, str]
    deeds: dict[str, str]
    related: dict[str, frozenset[str]]
    alike: tuple[frozenset[str], ...]
    shades: dict[str, frozenset[str]]
    hints: dict[str, frozenset[str]]


_IN_ONE_STRING: dict[Any, Callable[[Any], Any]] = {
    tuple[str, ...]: lambda text: tuple(text.split()),
    frozenset[str]: lambda text: frozenset(text.split()),
}
_TABLE = Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
WORDS: Vocabulary = DataDecoder(_IN_ONE_STRING).decode(Vocabulary, tomllib.loads(_TABLE))
_UNCOUNTED = frozenset(["snow", "grass", "water", "sand", "broccoli", "skis"])
_PLURALS = {"person": "people", "sheep": "sheep", "knife": "knives", "mouse": "mice"}
_COLOUR_ALIASES = {"grey": "gray"}
_NUMBERS = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}
_VERB_AFTER = re.compile(r" (?:is|are) ")
_CLAUSE_END = re.compile(r"[.,;]| while | as | and (?=a |the |his |her |is |are )")
_COLOUR_NOUN = re.compile(
    rf"\b({'|'.join(WORDS.colours)})(?: and ({'|'.join(WORDS.colours)}))? (\w+)(?: (\w+))?"
)
_COUNT_NOUN = re.compile(
    rf"\b({'|'.join(_NUMBERS)}) (?:(?:young|little|small|other|black|white|brown|older) )?(\w+)"
)
_ACTION = re.compile(
    rf"\b({'|'.join(WORDS.actors)}) (?:in [^.,]{{3,40}} )?(?:is |are )?(\w+ing\b[^.]*)"
)
_WHO = re.compile(
    rf"\b(?:(a|an|the|some|several|{'|'.join(_NUMBERS)}) )?(?:[a-z]+ ){{0,2}}?"
    r"(man|woman|boy|girl|child|baby|men|women|boys|girls|children|people)\b"
)
_PLACE = re.compile(
    r"\b((?:on|in|at|through|down|along|across|near|under|inside|over) (?:a|an|the) [\w ]*?"
    r"(?:beach|street|field|park|water|pool|snow|grass|road|sidewalk|forest|woods|mountain|lake"
    r"|ocean|river|room|kitchen|city|hill|yard|track|stage|playground|sand|bench|bed|couch"
    r"|table|desert|bathroom|office|store|restaurant|station|court|stadium|ice|bridge))\b"
)


def colour_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        for first, second, noun, after in _COLOUR_NOUN.findall(caption):
            if noun in {"t", "tank"} and after in {"shirt", "top"}:
                noun = f"{noun} {after}"
            elif noun not in WORDS.coloured or after in {"dog", "shirt", "coat"}:
                continue
            names = [_COLOUR_ALIASES.get(c, c) for c in (first, second) if c]
            verb = "are" if noun.endswith("s") and not noun.endswith(("ss", "grass")) else "is"
            yield f"what color {verb} the {noun}", " and ".join(names)


def count_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        for number, noun in _COUNT_NOUN.findall(caption):
            if noun in WORDS.plurals:
                yield f"how many {noun} are there", _NUMBERS[number]
    text = " ".join(captions)
    words = set(text.split())
    for plural, singular in WORDS.plurals.items():
        alone = sum(f"a {singular} " in caption for caption in captions)
        several = {plural, "two", "several", "group", "couple", "another", "other", "people"}
        if alone * 2 > len(captions) and not words & several:
            yield f"how many {plural} are there", "1"


def actions(captions: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Who does what: "man", "doing", "riding a bike"; or wears it: "man", "wearing", "a hat"."""
    for caption in captions:
        match = _ACTION.search(caption)
        if match is None or match[2].split()[0] in WORDS.not_actions:
            continue
        if match[2].startswith("wearing"):
            worn = match[2].removeprefix("wearing")
            yield match[1], "wearing", _clause(_VERB_AFTER.split(worn)[0])
        else:
            yield match[1], "doing", _clause(match[2])


def action_questions(captions: Iterable[str]) -> Iterator[QA]:
    for actor, verb, answer in actions(captions):
        yield f"what is the {actor} {verb}", answer


def place_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        place = _PLACE.search(caption)
        actor = next((w for w in caption.split() if w in WORDS.actors), None)
        if place and actor and len(place[1].split()) <= 6:
            yield f"where is the {actor}", place[1]


def animal_questions(captions: Sequence[str]) -> Iterator[QA]:
    text = " ".join(captions)
    for animal in WORDS.animals:
        if len(re.findall(rf"\b{animal}s?\b", text)) * 2 > len(captions):
            yield "what animal is this", animal
            yield "what animal is in the picture", animal


WHO_QUESTION = "who is in the picture"
NOBODY = "nobody"
_ASKED_FOR_PEOPLE = 0.3


def who_questions(captions: Sequence[str]) -> Iterator[QA]:
    for caption in captions:
        if found := _WHO.search(caption):
            plural = found[2] in WORDS.plurals
            number = found[1] if plural and found[1] in _NUMBERS else "some" if plural else "a"
            yield WHO_QUESTION, f"{number} {found[2]}"
    if names_nobody(captions):
        animals = [animal for _, animal in animal_questions(captions)]
        yield WHO_QUESTION, naming(animals[0]) if animals else NOBODY


def person_questions(captions: Sequence[str], rng: random.Random) -> Iterator[QA]:
    """Most captions name somebody: a part of them is asked, so that "no" is right as often."""
    if names_nobody(captions):
        yield "is there a person", "no"
    elif any(map(_WHO.search, captions)) and rng.random() < _ASKED_FOR_PEOPLE:
        yield "is there a person", "yes"


def names_nobody(captions: Sequence[str]) -> bool:
    """Whether several people described the photo and none of them named a person."""
    return len(captions) > 2 and not words_of(captions) & WORDS.somebody


def indoor_questions(named: Iterable[str]) -> Iterator[QA]:
    """Where what is named is found outdoors alone, or indoors alone."""
    outdoors, indoors = (bool(kind.intersection(named)) for kind in (WORDS.outdoors, WORDS.indoors))
    if outdoors != indoors:
        yield "is this indoors or outdoors", "outdoors" if outdoors else "indoors"
        yield "is this indoors", "no" if outdoors else "yes"
        yield "is this outdoors", "yes" if outdoors else "no"


def either_questions(
    captions: Sequence[str], everything: Sequence[str], rng: random.Random
) -> Iterator[QA]:
    """Which of two things is there, or which of two colours something has."""
    words = words_of(captions)
    drawn = rng.choices(everything, k=20) if everything else []
    absent = [thing for thing in dict.fromkeys(drawn) if not implied(thing, words)]
    for thing, other in zip(things_named(captions), absent, strict=False):
        one, two = rng.sample((thing, other), 2)
        yield f"is it {article(one)} or {article(two)}".replace(" any ", " "), thing
    for question, colour in colour_questions(captions):
        if " and " not in colour and " is " in question:
            wrong = rng.choice([c for c in WORDS.colours[:10] if c not in words])
            one, two = rng.sample((colour, wrong), 2)
            yield f"is the {question.split(' the ')[-1]} {one} or {two}", colour


def things_named(captions: Sequence[str]) -> list[str]:
    """The things that the captions of one photo name."""
    words = words_of(captions)
    return [thing for thing in WORDS.things if thing in words]


def yes_no_questions(
    captions: Sequence[str], everything: Sequence[str], rng: random.Random
) -> Iterator[QA]:
    """As many no as yes; what is denied is nothing that a caption names or implies.

    `everything` lists the things of all photos, each as often as it is named: a thing is
    denied about as often as it is affirmed, so that its name alone gives no answer away.
    """
    words = words_of(captions)
    present = things_named(captions)
    drawn = rng.choices(everything, k=4 * len(present)) if everything else []
    absent = [thing for thing in dict.fromkeys(drawn) if not implied(thing, words)]
    pairs = min(len(present), len(absent))
    for thing in rng.sample(present, pairs):
        yield f"is there {article(thing)}", "yes"
    for thing in absent[:pairs]:
        yield f"is there {article(thing)}", "no"
    for question, answer in colour_questions(captions):
        noun = question.split(" the ")[-1]
        wrong = rng.choice([c for c in WORDS.colours[:10] if c not in words])
        if " and " not in answer and " is " in question:
            colour, reply = rng.choice([(answer, "yes"), (wrong, "no")])
            yield f"is the {noun} {colour}", reply


def words_of(captions: Sequence[str]) -> set[str]:
    """All words of captions, plurals in s as singulars too."""
    words = set(re.findall(r"\w+", " ".join(captions)))
    return words | {word[:-1] for word in words if word.endswith("s")}


def implied(thing: str, words: set[str]) -> bool:
    """Whether one of the words names the thing, or something that may be it."""
    related = WORDS.related.get(thing, frozenset())
    person = thing in WORDS.people and bool(words & WORDS.people)
    return thing in words or bool(related & words) or person


def surely_absent(thing: str, words: set[str]) -> bool:
    """Whether people would have named the thing, with these words, were it there."""
    return thing not in WORDS.unmentioned and not implied(thing, words)


def caption_questions(
    captions: Sequence[str], everything: Sequence[str], rng: random.Random
) -> dict[str, list[QA]]:
    """All questions that the lower-case captions of one photo answer, by kind."""
    made = {
        "colour": list(colour_questions(captions)),
        "count": list(count_questions(captions)),
        "action": list(action_questions(captions)),
        "place": list(place_questions(captions)),
        "animal": list(animal_questions(captions)),
        "yesno": list(yes_no_questions(captions, everything, rng)),
        "who": list(who_questions(captions)),
        "either": list(either_questions(captions, everything, rng)),
        "inside": list(indoor_questions(words_of(captions))),
    }
    made["yesno"] += person_questions(captions, rng)
    return {kind: sorted(set(pairs)) for kind, pairs in made.items() if pairs}


def _clause(text: str) -> str:
    """The first clause, of at most eight words."""
    words = _CLAUSE_END.split(text.strip())[0].split()[:8]
    while len(words) > 1 and words[-1] in WORDS.open_ends:
        words.pop()
    return " ".join(words)


_SIDES = {
    "left": "right",
    "right": "left",
    "Left": "Right",
    "Right": "Left",
    "左": "右",
    "右": "左",
}


def mirrored(text: str) -> str:
    """The same said of the mirrored picture."""
    return re.sub(r"(\b(?:[Ll]eft|[Rr]ight)\b|[左右])", lambda found: _SIDES[found[1]], text)


def naming(noun: str) -> str:
    """The noun after its article, as an answer has it."""
    if noun in _UNCOUNTED or (
        noun.endswith("s") and not noun.endswith(("ss", "us", "is", "os", "as"))
    ):
        return f"some {noun}"
    return with_a(noun)


def plural_of(noun: str) -> str:
    """ "people" for "person", "buses" for "bus"."""
    if noun in _UNCOUNTED or noun in _PLURALS or noun.endswith("scissors"):
        return _PLURALS.get(noun, noun)
    return f"{noun}es" if noun.endswith(("s", "sh", "ch", "x")) else f"{noun}s"


def numbers_said(captions: Iterable[str], names: Collection[str]) -> set[int]:
    """How many of these, by their singulars, captions speak of."""
    found = [pair for caption in captions for pair in _COUNT_NOUN.findall(caption)]
    return {
        int(_NUMBERS[number])
        for number, noun in found
        if WORDS.plurals.get(noun, noun.removesuffix("s")) in names
    }


def things_said(captions: Sequence[str]) -> set[str]:
    """All words of captions, plurals as singulars too."""
    return words_of(captions) | {WORDS.plurals.get(word, word) for word in words_of(captions)}


def sentence(text: str) -> str:
    """A caption as written prose: one capital, one full stop, single blanks."""
    words = " ".join(text.split()).rstrip(" .").replace(" ,", ",").replace(" '", "'")
    return words[:1].upper() + words[1:] + "."


def plain_place(scene: str) -> str:
    """ "hangar" for "hangar outdoor"."""
    return re.sub(r" (indoor|outdoor)s?$", "", scene)


def listed(nouns: Sequence[str]) -> str:
    """ "a bed, a lamp and some curtains"."""
    *first, last = map(naming, nouns)
    return f"{', '.join(first)} and {last}" if first else last


def article(noun: str) -> str:
    """The noun after "is there"."""
    if noun in _UNCOUNTED or noun in {"stairs", "glasses", "sunglasses", "scissors"}:
        return f"any {noun}"
    return with_a(noun)


def with_a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
