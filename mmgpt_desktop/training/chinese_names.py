"""What things, colours, places, deeds and classes are called in Chinese, by `names_zh.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mmgpt_desktop.training.imagenet_names import class_names
from mmgpt_desktop.training.questions import WORDS, plural_of
from mmgpt_desktop.training.wordings import CHINESE

_TABLE = Path(__file__).with_name("names_zh.toml")
_ARTICLE = re.compile(r"^(?:an?|the|some|any) ")


@cache
def names() -> dict[str, dict[str, str]]:
    """Chinese names by section and English name; ImageNet's are "classes"."""
    found: dict[str, dict[str, str]] = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {**found, "classes": dict(zip(class_names(), class_names(CHINESE), strict=True))}


def named(english: str, sections: Iterable[str]) -> str:
    """A name in Chinese, by the first of the sections that has it, with or without an article,
    or its singular; empty where none has."""
    bare = without_article(english)
    forms = (bare, bare.lower(), _singulars().get(bare, bare), f"{bare}s")
    tables = [names()[section] for section in sections]
    return next((table[form] for table in tables for form in forms if form in table), "")


def without_article(english: str) -> str:
    return _ARTICLE.sub("", english, count=1)


@cache
def _singulars() -> dict[str, str]:
    return {plural_of(name): name for name in names()["things"]} | WORDS.plurals
