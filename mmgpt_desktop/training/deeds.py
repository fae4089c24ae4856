"""Questions about what somebody does to what, made from captions: "what is the man holding",
"is the dog jumping over a hurdle"."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmgpt_desktop.training.questions import QA, WORDS, implied, naming, words_of

_PLACES = "on over in into through down up along at against across with under off"
_NO_DEEDS = frozenset(["doing", "during", "performing", "making", "taking", "posing", "helping"])
_DEED = re.compile(
    rf"\b({'|'.join(WORDS.actors)}) (?:in [^.,]{{3,40}}? )?(?:is |are )?"
    rf"(\w+ing|{'|'.join(WORDS.deeds)})(?: ({'|'.join(_PLACES.split())}))?"
    r" (?:an?|his|her|their|its|the|some) ([a-z ]+)"
)
_ENDS = frozenset(
    f"{_PLACES} and or of to from for by near behind beside next while as that which who outside"
    " inside around towards toward before after between above below front is are".split()
)
_ADORNING = WORDS.plain_adjectives | set(WORDS.colours)
_LONGEST = 3  # words of a thing's name
_IN_THE_OPEN = frozenset(["water", "snow", "grass", "sand", "air", "dirt", "mud", "ice"])


@dataclass(frozen=True)
class Deed:
    """Who does what to which thing: "man", "jumping over", "hurdle"."""

    actor: str
    doing: str
    thing: str

    @property
    def asked(self) -> str:
        return f"what is the {self.actor} {self.doing}"

    def asked_of(self, thing: str) -> str:
        """The question whether it is this thing: "is the dog jumping over a hurdle"."""
        named = f"the {thing}" if thing in _IN_THE_OPEN else naming(thing)
        return f"is the {self.actor} {self.doing} {named}"


Things = Mapping[str, Sequence[str]]
"""What captions name as things of a deed ("jumping over"), each as often as it is named."""


def deeds(captions: Iterable[str]) -> Iterator[Deed]:
    """Those of one photo's lower-case captions."""
    for caption in captions:
        for actor, verb, place, rest in _DEED.findall(caption):
            thing = _thing(rest)
            if verb not in _NO_DEEDS | WORDS.not_actions and thing:
                doing = WORDS.deeds.get(verb, verb)
                yield Deed(actor, f"{doing} {place}".strip(), thing)


def _thing(rest: str) -> str:
    """The noun phrase that these words begin with, without what only adorns it; empty of a long
    one."""
    words: list[str] = []
    for word in rest.split():
        if word in _ENDS or word.endswith("ing"):
            break
        words.append(word)
    while words and words[0] in _ADORNING:
        del words[0]
    return " ".join(words) if len(words) <= _LONGEST else ""


def things_done(photos: Iterable[Iterable[str]]) -> Things:
    found: dict[str, list[str]] = defaultdict(list)
    for captions in photos:
        for deed in deeds(captions):
            found[deed.doing].append(deed.thing)
    return found


def held_questions(captions: Sequence[str]) -> Iterator[QA]:
    """But for what is worn, which is an action's question."""
    for deed in deeds(captions):
        if deed.doing != "wearing":
            yield deed.asked, deed.thing


def does_questions(captions: Sequence[str], things: Things, rng: random.Random) -> Iterator[QA]:
    """As many yes as no: what somebody does, and the same with another thing, which no caption
    names or implies."""
    words = words_of(captions)
    for deed in sorted(set(deeds(captions)), key=str):
        drawn = rng.choices(things[deed.doing], k=8) if things.get(deed.doing) else []
        wrong = [thing for thing in drawn if is_absent(thing, words)]
        if wrong:
            yield deed.asked_of(deed.thing), "yes"
            yield deed.asked_of(wrong[0]), "no"


def is_absent(thing: str, words: set[str]) -> bool:
    """Whether no caption with these words names the thing, or something that may be it."""
    noun = thing.split()[-1]
    singular = WORDS.plurals.get(noun, noun.removesuffix("s"))
    return not ({noun, singular} & words or implied(noun, words) or implied(singular, words))
