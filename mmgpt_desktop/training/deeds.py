"""Questions about what somebody does to what, made from captions: "what is the man holding",
"is the dog jumping over a hurdle"."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmgpt_desktop.training.questions import QA, WORDS, implied, naming, with_a, words_of

YES, NO = "yes", "no"
_PLACES = "on over in into through down up along at against across with under off"
_NO_DEEDS = frozenset(["doing", "performing", "making", "taking", "posing", "helping"])
_DEED = re.compile(
    rf"\b({'|'.join(WORDS.actors)}) (?:in (?:(?!and |with )[^.,]){{3,40}}? )?(?:is |are )?"
    rf"(\w+ing|{'|'.join(WORDS.deeds)})(?: ({'|'.join(_PLACES.split())}))?"
    r" (an?|his|her|their|its|the|some) ([a-z ]+)"
)
_ENDS = frozenset(
    f"{_PLACES} and or of to from for by near behind beside next while as that which who outside"
    " inside around towards toward before after between above below front is are".split()
)
_ADORNING = WORDS.before_a_noun | set(WORDS.colours)
_HINTS = WORDS.hints | WORDS.shades
_LONGEST = 3  # words of a thing's name
_AS_SAID = frozenset(["the", "some"])


@dataclass(frozen=True, order=True)
class Deed:
    """Who does what to which thing: "man", "jumping over", "hurdle"; `named` has its article."""

    actor: str
    doing: str
    thing: str
    named: str

    @property
    def asked(self) -> str:
        return f"what is the {self.actor} {self.doing}"

    def asked_of(self, named: str) -> str:
        """The question whether it is this thing: "is the dog jumping over a hurdle"."""
        return f"is the {self.actor} {self.doing} {named}"


ByDeed = Mapping[str, Sequence[Deed]]
"""What is done in all captions, by the deed ("jumping over")."""


def deeds(captions: Iterable[str]) -> Iterator[Deed]:
    """Those of one photo's lower-case captions."""
    for caption in captions:
        for actor, verb, place, article, rest in _DEED.findall(caption):
            thing = _thing(rest)
            if verb not in _NO_DEEDS | WORDS.not_actions and thing:
                doing = f"{WORDS.deeds.get(verb, verb)} {place}".strip()
                yield Deed(actor, doing, thing, _named(article, thing))


def _thing(rest: str) -> str:
    """The noun phrase that these words begin with, without what only adorns it; empty of a long
    one, and of what is no thing."""
    words: list[str] = []
    for word in rest.split():
        if word in _ENDS or word in WORDS.deeds or word.endswith(("ing", "ly")):
            break
        words.append(word)
    while words and words[0] in _ADORNING:
        del words[0]
    return " ".join(words) if len(words) <= _LONGEST and not WORDS.no_things & set(words) else ""


def _named(article: str, thing: str) -> str:
    """With the caption's article; "his" and the like are no part of a question."""
    if article in _AS_SAID:
        return f"{article} {thing}"
    if not article.startswith("a"):
        return naming(thing)
    return f"a {thing}" if thing.startswith("uni") else with_a(thing)


def by_deed(photos: Iterable[Iterable[str]]) -> ByDeed:
    found: dict[str, list[Deed]] = defaultdict(list)
    for captions in photos:
        for deed in deeds(captions):
            found[deed.doing].append(deed)
    return found


def held_questions(captions: Iterable[str]) -> list[QA]:
    """What is held, ridden, jumped over; but not what is worn, which is an action's question."""
    found = {(deed.asked, deed.thing) for deed in deeds(captions) if deed.doing != "wearing"}
    return sorted(found)


def does_questions(captions: Sequence[str], everything: ByDeed, rng: random.Random) -> list[QA]:
    """As many yes as no: what somebody does, and the same with another thing, which no caption
    names or implies."""
    words, found = words_of(captions), list[QA]()
    for deed in sorted(set(deeds(captions))):
        drawn = rng.choices(everything[deed.doing], k=8) if everything.get(deed.doing) else []
        wrong = [other for other in drawn if is_absent(other.thing, words)]
        if wrong:
            found.append((deed.asked_of(deed.named), YES))
            found.append((deed.asked_of(wrong[0].named), NO))
    return found


def is_absent(thing: str, words: set[str]) -> bool:
    """Whether no caption with these words names the thing, or something that may be it."""
    noun = thing.split()[-1]
    names = {noun, WORDS.plurals.get(noun, noun.removesuffix("s"))}
    meant = any(names & WORDS.related.get(word, frozenset()) for word in words)
    hinted = any(words & _HINTS.get(name, frozenset()) for name in names)
    return not (names & words or meant or hinted or any(implied(name, words) for name in names))
