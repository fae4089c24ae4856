"""Statements to judge, made from captions: what people wrote of a photo is true; with a word
exchanged, or written of another photo, it is false where no caption speaks for it."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmgpt_desktop.training.deeds import is_absent
from mmgpt_desktop.training.questions import (
    QA,
    WORDS,
    actions,
    article,
    implied,
    things_named,
    words_of,
)

YES, NO = "yes", "no"
_OWN, _EXCHANGED, _LOOKED_AT = 2, 2, 30
_SOMEBODY = frozenset(["man", "woman", "boy", "girl", "child", "person", "lady", "guy", "kid"])


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
    return [(_written(text), answer) for text, answer in dict(made).items()]


def _written(text: str) -> str:
    whole = " ".join(text.split()).rstrip(" .")
    return f"{whole[:1].upper()}{whole[1:]}."


def _exchanged(captions: Sequence[str], words: set[str], rng: random.Random) -> list[str]:
    """Captions with one word exchanged for another that no caption speaks of."""
    found = [
        re.sub(rf"\b{word}\b", rng.choice(others), caption, count=1)
        for caption in captions
        for word, others in _exchanges(caption, words)
    ]
    return rng.sample(found, min(_EXCHANGED, len(found)))


def _exchanges(caption: str, words: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Each word of the caption that can be exchanged, and what for."""
    for word in sorted(words_of([caption])):
        if not re.search(rf"\b{word}\b", caption):
            continue
        for group in WORDS.exchanged:
            if word in group:
                others = [other for other in sorted(group) if is_absent(other, words)]
                if others:
                    yield word, others
        others = sorted(opposed(word) - words)
        if others and not opposed(word) & words:
            yield word, others


def opposed(verb: str) -> frozenset[str]:
    """What nobody does who does this; empty of words that are no such deed."""
    if verb in WORDS.moving:
        return WORDS.resting
    return WORDS.moving if verb in WORDS.resting else frozenset()


def _elsewhere(own: str, words: set[str], pool: Pool, rng: random.Random) -> list[str]:
    """Of some captions of other photos the one most like this one that names what isn't here."""
    drawn = rng.choices(pool.captions, k=_LOOKED_AT)
    false = [text for text in drawn if _names_absent(text, words)]
    return [max(false, key=lambda text: len(_words(text) & _words(own)))] if false else []


def _words(text: str) -> set[str]:
    return set(text.split())


def _names_absent(text: str, words: set[str]) -> bool:
    return any(not implied(thing, words) for thing in things_named([text]))


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
    words, present = words_of(captions), things_named(captions)
    drawn = rng.choices(pool.things, k=_LOOKED_AT) if pool.things else []
    absent = [thing for thing in drawn if not implied(thing, words)]
    if present and absent:
        here, missing = _there(rng.choice(present)), _there(absent[0])
        yield f"there is {here}", YES
        yield f"there is no {here.split(' ', 1)[-1]}", NO
        yield f"there is {missing}", NO
        yield f"there is no {missing.split(' ', 1)[-1]}", YES


def _there(thing: str) -> str:
    return article(thing).replace("any ", "some ")
