"""What is not drawn for visitors, whoever says it.

The painter's own words are a list already: those of captions and labels, and at an event no others
are taken. Of these, some are crude, or bloody, in the wrong mouth.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mmgpt_desktop.errors import PromptError

_ENGLISH = (
    "ass bastard bikini bikinis bitch blood bloody bomb boob boobs bra bras breast breasts butt"
    " butts cigarette cigarettes corpse crap damn dead drunk drug drugs fuck gun guns hell kill"
    " killed killing lingerie naked nude panties penis pee poop porn rifle rifles sex sexy shit"
    " shirtless suicide thong topless underwear vagina weapon weapons whore"
)
_CHINESE = (
    "裸 性感 内衣 内裤 胸罩 乳 屁股 血 枪 杀 死 尸 毒品 炸弹 武器 操你 妈的 他妈 傻逼 屎 尿 妓"
    " 色情 吸烟 醉"
)
CRUDE = frozenset(_ENGLISH.split())
CRUDE_PARTS = tuple(_CHINESE.split())  # Chinese has no spaces between words


def refuse_crude(prompt: str, words: Iterable[str], also: Collection[str] = ()) -> None:
    """Raises PromptError for a prompt of these `words`, if one is crude or among `also`."""
    said = prompt.casefold()
    own = [each.casefold() for each in also]
    wrong = any(word.casefold() in CRUDE for word in words)
    parts = (*CRUDE_PARTS, *(each for each in own if not each.isascii()))
    spoken = {word.casefold() for word in words} & {each for each in own if each.isascii()}
    if wrong or spoken or any(part in said for part in parts):
        raise PromptError("I would rather not draw that.", "Say something else, or choose a card.")
