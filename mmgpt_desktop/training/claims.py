"""Statements to judge, made from captions: what people wrote of a photo is true; with a word
exchanged, or written of another photo, it is false where no caption speaks for it."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmgpt_desktop.training.deeds import NO, YES, is_absent
from mmgpt_desktop.training.questions import (
    QA,
    WORDS,
    actions,
    article,
    sentence,
    surely_absent,
    things_named,
    with_a,
    words_of,
)

_OWN, _EXCHANGED, _LOOKED_AT = 2, 1, 30
_SOMEBODY = frozenset(["man", "woman", "boy", "girl", "child", "person", "lady", "guy", "kid"])
_SEVERAL = frozenset(["stairs", "glasses", "sunglasses"])
_PLACED = r" (?:in|on|at|near|by|with|down|along|across|through|over|under|outside)\b"
_NO_NOUN_AFTER = rf"(?=(?:{_PLACED}| (?:and|is|are|while|as|to|from)\b| ?[.,]| ?$))"
_NO_OBJECT_AFTER = rf"(?=(?:{_PLACED}| ?[.,]| ?$))"
_COUNTING = "two|three|four|five|six|several|some|many|of|and|with|the"


@dataclass(frozen=True)
class Pool:
    """What is said of all photos: their captions, their things, each as often as it is named, and
    what each actor does."""

    captions: Sequence[str]
    things: Sequence[str]
    done: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, photos: Iterable[Sequence[str]]) -> Pool:
        captions, things, done = list[str](), list[str](), defaultdict[str, list[str]](list)
        for said in photos:
            captions += said
            things += things_named(said)
            for actor, action in _done(said):
                done[actor].append(action)
        return cls(captions, things, done)


def claims(captions: Sequence[str], pool: Pool, rng: random.Random) -> list[QA]:
    """About as many true as false ones of a photo with these lower-case captions."""
    own = rng.sample(captions, min(_OWN, len(captions)))
    words = words_of(captions)
    made = [(caption, YES) for caption in own]
    made += [(text, NO) for text in _exchanged(captions, words, rng)]
    made += [(text, NO) for text in _elsewhere(own[0], words, pool, rng)]
    made += [*_about_actions(captions, words, pool, rng), *_about_things(captions, pool, rng)]
    return told_once((sentence(text), answer) for text, answer in made)


def told_once(made: Iterable[QA]) -> list[QA]:
    """Each statement once, with the answer that it has first."""
    found: dict[str, str] = {}
    for text, answer in made:
        found.setdefault(text, answer)
    return list(found.items())


def _exchanged(captions: Sequence[str], words: set[str], rng: random.Random) -> list[str]:
    """Captions with one word exchanged for another that no caption speaks of."""
    found = [
        text for caption in captions for text in _exchanges(caption, words, rng) if text != caption
    ]
    return rng.sample(found, min(_EXCHANGED, len(found)))


def _exchanges(caption: str, words: set[str], rng: random.Random) -> Iterator[str]:
    """The caption with each word exchanged that can be, for one by chance."""
    for word in sorted(words_of([caption])):
        for group in (each for each in WORDS.exchanged if word in each):
            if others := [other for other in sorted(group) if is_absent(other, words)]:
                after = "" if word in WORDS.colours else _NO_NOUN_AFTER
                yield _put(caption, word, rng.choice(others), after)
        if other := other_gender(word, words):
            yield _put(caption, word, other, _NO_NOUN_AFTER)
        if others := sorted(opposed(word, words)):
            yield _put(caption, word, rng.choice(others), _NO_OBJECT_AFTER)


def _put(caption: str, word: str, other: str, after: str) -> str:
    """`other` in the word's place, with the article that it wants."""
    pattern = rf"\b(an? )?(?<!hot ){word}\b{after}"
    return re.sub(pattern, lambda found: with_a(other) if found[1] else other, caption, count=1)


_OF_THE_OTHER = {"man": "woman", "men": "women", "boy": "girl", "boys": "girls"}
_OF_THE_OTHER |= {other: word for word, other in _OF_THE_OTHER.items()}


def other_gender(word: str, words: set[str]) -> str:
    """ "woman" for "man" where no caption with these words speaks of a woman, or of people of whom
    one may be; empty else."""
    other = _OF_THE_OTHER.get(word, "")
    theirs = next((gender for gender in WORDS.genders if other in gender), frozenset())
    return "" if words & (theirs | WORDS.mixed) else other


def opposed(verb: str, words: set[str]) -> frozenset[str]:
    """What nobody does who does this, where none of it is said in captions with these words."""
    verb = WORDS.deeds.get(verb, verb)
    said = {WORDS.deeds.get(form, form) for word in words for form in (word, f"{word}s")}
    for ones, others in ((WORDS.moving, WORDS.resting), (WORDS.resting, WORDS.moving)):
        if verb in ones and not others & said:
            return others
    return frozenset()


def _elsewhere(own: str, words: set[str], pool: Pool, rng: random.Random) -> list[str]:
    """Of some captions of other photos the one most like this one that names what isn't here."""
    drawn = rng.choices(pool.captions, k=_LOOKED_AT)
    false = [text for text in drawn if _names_absent(text, words)]
    return [max(false, key=lambda text: len(_words(text) & _words(own)))] if false else []


def _words(text: str) -> set[str]:
    return set(text.split())


def _names_absent(text: str, words: set[str]) -> bool:
    return any(surely_absent(thing, words) for thing in things_named([text]))


def _done(captions: Iterable[str]) -> list[tuple[str, str]]:
    """Who does what, but for what they wear."""
    return [(actor, action) for actor, verb, action in actions(captions) if verb == "doing"]


def _about_actions(
    captions: Sequence[str], words: set[str], pool: Pool, rng: random.Random
) -> Iterator[QA]:
    """What somebody does, and what another does elsewhere with things that aren't here; both
    denied as well."""
    own = sorted(set(_done(captions)))
    if not own:
        return
    actor, action = rng.choice(own)
    drawn = rng.choices(pool.done[actor], k=_LOOKED_AT) if pool.done.get(actor) else []
    false = [other for other in drawn if _names_absent(other, words)]
    if not false:
        return
    nobody = actor in _SOMEBODY and rng.random() < 0.5
    denied = "nobody is" if nobody else f"the {actor} is not"
    subject = rng.choice((f"the {actor}", "a person" if actor in _SOMEBODY else f"a {actor}"))
    yield f"{subject} is {action}", YES
    yield f"{denied} {action}", NO
    yield f"{subject} is {false[0]}", NO
    yield f"{denied} {false[0]}", YES


def _about_things(captions: Sequence[str], pool: Pool, rng: random.Random) -> Iterator[QA]:
    """That a thing is there, and that it isn't."""
    words, text = words_of(captions), " ".join(captions)
    drawn = rng.choices(pool.things, k=_LOOKED_AT) if pool.things else []
    present = [thing for thing in countable(things_named(captions)) if _is_named(thing, text)]
    absent = [thing for thing in countable(drawn) if surely_absent(thing, words)]
    if present and absent:
        for thing, here in ((rng.choice(present), YES), (absent[0], NO)):
            verb, named = "are" if thing in _SEVERAL else "is", article(thing)
            yield f"there {verb} {named.replace('any ', 'some ')}", here
            yield f"there {verb} no {named.split(' ', 1)[1]}", NO if here == YES else YES


def countable(things: Iterable[str]) -> list[str]:
    """But for sports, of which nobody says that they are there."""
    return [thing for thing in things if thing not in WORDS.sports]


def _is_named(thing: str, text: str) -> bool:
    """Whether it is a thing there, and no verb: "swings" after "a girl" is one."""
    several = rf"(?:{_COUNTING}|{'|'.join(WORDS.colours)}) {thing}s"
    return bool(re.search(rf"\b(?:{thing}|{several})\b", text))
