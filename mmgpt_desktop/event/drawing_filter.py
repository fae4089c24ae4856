"""What is not drawn for visitors, whoever says it.

The painter's own words are a list already: those of captions and labels, and at an event no others
are taken. Of these, some are crude, or bloody, in the wrong mouth.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from mmgpt_desktop.errors import PromptError

_ENGLISH = (
    "ass bastard bikini bitch blood bloody bomb boob bra breast butt cigarette corpse crap damn"
    " dead drunk drug fuck gun hell kill killed killing lingerie naked nude panties penis pee poop"
    " porn rifle sex sexy shit shirtless suicide thong topless underwear vagina weapon whore"
)
_CHINESE = (
    "裸 性感 内衣 内裤 胸罩 乳 屁股 血 枪 杀 死 尸 毒品 炸弹 武器 操你 妈的 他妈 傻逼 屎 尿 妓"
    " 色情 吸烟 醉"
)
CRUDE = frozenset(_ENGLISH.split())
CRUDE_PARTS = tuple(_CHINESE.split())  # Chinese has no spaces between words
_WORD = re.compile(r"[^\W_]+")


def refuse_crude(prompt: str, also: Collection[str] = ()) -> None:
    """Raises PromptError for a prompt that says something crude, or something of `also`: words of
    any number, or several in a row."""
    said = prompt.casefold()
    spoken = _in_a_row(said)
    own = [each.casefold() for each in also]
    parts = (*CRUDE_PARTS, *(each for each in own if not each.isascii()))
    rows = (*CRUDE, *(each for each in own if each.isascii()))
    if any(part in said for part in parts) or any(_in_a_row(row) in spoken for row in rows):
        raise PromptError("I would rather not draw that.", "Say something else, or choose a card.")


def _in_a_row(text: str) -> str:
    """The words alone, without the end that makes several of one."""
    return f" {' '.join(_plain(word) for word in _WORD.findall(text))} "


def _plain(word: str) -> str:
    several = len(word) > 3 and word.isascii() and not word.endswith("ss")
    return word.removesuffix("s") if several else word
