"""What a shop's title says of a garment or a thing: its colour and what it is.

"ADIDAS Originals Men Black Tshirt" is a black t-shirt.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmgpt_desktop.training.chinese_names import named
from mmgpt_desktop.training.questions import naming

_THINGS = {
    "shoes": "shoes shoe boots ballerinas",
    "t-shirt": "tshirts tshirt t-shirt t-shirts jersey jerseys",
    "shirt": "shirt shirts",
    "watch": "watch watches",
    "handbag": "handbag handbags clutch",
    "sweater": "sweater sweaters",
    "sweatshirt": "sweatshirt sweatshirts",
    "socks": "socks",
    "sandals": "sandals sandal flats",
    "flip-flops": "flops",
    "top": "top tops tunic tunics kurti kurtis",
    "wallet": "wallet wallets",
    "trousers": "trousers trouser pants pant leggings",
    "belt": "belt belts",
    "slippers": "slippers slipper",
    "backpack": "backpack backpacks",
    "jeans": "jeans",
    "sunglasses": "sunglasses",
    "shorts": "shorts",
    "jacket": "jacket jackets",
    "cap": "cap caps",
    "bag": "bag bags",
    "tie": "tie ties",
    "dress": "dress dresses",
}
_THING = {word: thing for thing, words in _THINGS.items() for word in words.split()}
_COLOURS = {"navy": "blue", "maroon": "red", "olive": "green", "grey": "gray", "tan": "brown"} | {
    each: each
    for each in (
        *("black", "white", "blue", "red", "green", "yellow", "pink", "purple", "orange"),
        *("gray", "brown"),
    )
}
_OFTEN = 3


def colour_and_thing(title: str) -> tuple[str, str] | None:
    """None where it isn't clear what it is, or what colour it has."""
    words = title.lower().split()
    thing = _THING.get(words[-1] if words else "")
    colours = {_COLOURS[word] for word in words if word in _COLOURS}
    return (*colours, thing) if thing is not None and len(colours) == 1 else None  # type: ignore[return-value]


def as_typed(noun: str) -> str:
    """After an article, if it is one thing."""
    return naming(noun).removeprefix("some ")


def said_by_title(title: str) -> Iterator[str]:
    """Prompts in both languages, each several times: nobody types titles."""
    found = colour_and_thing(title)
    if found is None:
        return
    colour, thing = found
    yield from [as_typed(f"{colour} {thing}")] * _OFTEN
    chinese, shade = named(thing, ["garments", "things"]), named(colour, ["colours"])
    if chinese and shade:
        yield from [f"{shade}的{chinese}"] * _OFTEN
