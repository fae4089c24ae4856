"""The table of heatmap methods. What the window, reports, commands and the evaluation know of a
method stands in its row; its mathematics stand in the file that the row names.

Another method is a row here and such a file. The texts are English; who shows them translates.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any, Self


class Needs(Enum):
    """What a formula works with, and so who can be asked for a method's maps.

    Maps are float32 [token, row, column]; `Heads` are (layer, head) pairs.
    """

    ATTENTION = auto()
    """The answer's: `formula(attention, heads) -> maps`, `attention` an AttentionMap a token.
    The engine isn't asked for anything, and each of several photos has maps."""
    NEUTRAL = auto()
    """That, and how a neutral question looks at the photo: `formula(attention, heads, neutral)`."""
    MODEL = auto()
    """The PyTorch model, which reads the answer again: `formula(answer) -> maps [token, T]`,
    `answer` a `model.written_answer.WrittenAnswer`."""
    RESCORING = auto()
    """Any model, which scores the answer again while places are hidden: `formula(score, word)`
    gives maps as they grow finer, each with the part that is done; `score` is an
    `engine.occlusion.Rescorer`, `word` the steps to look closer at, None for all."""


class Unit(StrEnum):
    """What a map's numbers are; the value says it under the colours."""

    SHARE = "how much of its look"
    TIMES = "times as much as usual"
    STRENGTH = "strength"
    COST = "what hiding it costs"
    """Drops of the log-probability, added up over the hidden squares, large and small, and over
    the tokens of a word."""


@dataclass(frozen=True)
class About:
    """A method's row.

    `value` is that of `--method`, and what sessions keep. `meaning` says what is bright, `ends`
    what the darkest and the brightest colour stand for, `formula` is "module:function" in this
    package. With `prefix_only` the model must read the picture as tokens. `making`, if any, is
    what a report says of how its maps come about; "{name}" in it is the method's name.
    """

    value: str
    name: str
    meaning: str
    unit: Unit
    ends: tuple[str, str]
    needs: Needs
    formula: str
    prefix_only: bool = False
    making: str = ""


_LOOKED = ("looked least", "looked most")


class Method(StrEnum):
    """A way from a model at work to a map of where it looked, or of what it needed."""

    about: About

    def __new__(cls, about: str | About) -> Self:
        assert isinstance(about, About)
        member = str.__new__(cls, about.value)
        member._value_, member.about = about.value, about
        return member

    HEADS = About(
        "heads",
        "Attention",
        "Bright: where the model looked while it wrote the word.",
        Unit.SHARE,
        _LOOKED,
        Needs.ATTENTION,
        "attention.raw:chosen_heads",
    )
    MEAN = About(
        "mean",
        "Attention, all heads",
        "Bright: where the model looked while it wrote the word, with all of its parts.",
        Unit.SHARE,
        _LOOKED,
        Needs.ATTENTION,
        "attention.raw:all_heads",
    )
    NO_SINKS = About(
        "no-sinks",
        "Attention without sinks",
        "Bright: where it looked, without places that glow for nearly every word.",
        Unit.SHARE,
        _LOOKED,
        Needs.ATTENTION,
        "attention.sinks:without_sinks",
    )
    RELATIVE = About(
        "relative",
        "Relative attention",
        "Bright: where it looked more than it usually looks at this photo.",
        Unit.TIMES,
        _LOOKED,
        Needs.NEUTRAL,
        "attention.relative:relative",
    )
    ROLLOUT = About(
        "rollout",
        "Rollout",
        "Bright: where it looked, followed back through all of its steps.",
        Unit.STRENGTH,
        _LOOKED,
        Needs.MODEL,
        "model.rollout:rollout",
    )
    RELEVANCY = About(
        "relevancy",
        "Relevancy",
        "Bright: where looking harder would have changed the word most.",
        Unit.STRENGTH,
        ("mattered least", "mattered most"),
        Needs.MODEL,
        "model.relevancy:relevancies",
    )
    TAM = About(
        "tam",
        "Token activation",
        "Bright: places that would bring up the word all by themselves.",
        Unit.STRENGTH,
        ("weakest", "strongest"),
        Needs.MODEL,
        "model.token_activation:activations",
        prefix_only=True,
    )
    OCCLUSION = About(
        "occlusion",
        "Occlusion",
        "Places of the photo are hidden in turn. Bright: without it, the model is less sure of "
        "the word.",
        Unit.COST,
        ("not needed", "needed most"),
        Needs.RESCORING,
        "engine.occlusion:occlude",
        making="For “{name}”, squares of the photo are blurred one at a time: first large ones, "
        "then smaller ones where much was lost. What each costs the word (in logarithms of its "
        "probability) adds up; below 0 the word became likelier.",
    )

    @property
    def from_attention(self) -> bool:
        """Its maps are made of attention, of whichever heads are chosen."""
        return self.about.needs in (Needs.ATTENTION, Needs.NEUTRAL)

    @property
    def of_each_photo(self) -> bool:
        """Of several photos it shows each; the others show the first one alone."""
        return self.about.needs is Needs.ATTENTION

    @property
    def formula(self) -> Callable[..., Any]:
        """The mathematics, see `Needs`; imported when they are first used."""
        module, _, name = self.about.formula.partition(":")
        formula: Callable[..., Any] = getattr(
            importlib.import_module(f"mmgpt_desktop.{module}"), name
        )
        return formula


TRACED = tuple(method for method in Method if method.about.needs is Needs.MODEL)
"""The methods that need the model itself, in PyTorch."""


def method_texts() -> set[str]:
    """What translators get."""
    rows = [method.about for method in Method]
    texts = {text for row in rows for text in (row.name, row.meaning, row.making, *row.ends)}
    return texts - {""} | set(Unit)
