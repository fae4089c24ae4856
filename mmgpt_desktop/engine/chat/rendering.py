"""What the process for strangers' work does with a chat template: Jinja in its sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

_MOST = 1_000_000  # characters of a prompt beyond those of the conversation


def check(source: str) -> None:
    """Raises where the template can't be read."""
    _template(source)


def render(
    source: str,
    tokens: Mapping[str, str],
    messages: Sequence[Mapping[str, Any]],
    begin_answer: bool,
) -> str:
    """The prompt. Raises whatever the template does."""
    pieces, left = list[str](), _MOST + len(json.dumps(messages))
    said = _template(source).generate(
        messages=messages,
        add_generation_prompt=begin_answer,
        tools=None,
        documents=None,
        **tokens,
    )
    for piece in said:
        left -= len(piece)
        if left < 0:
            raise ValueError("it writes far too much")
        pieces.append(piece)
    return "".join(pieces)


@lru_cache(maxsize=8)
def _template(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters["tojson"] = _to_json
    environment.globals.update(
        raise_exception=_refuse, strftime_now=datetime.now().strftime, namespace=_Namespace
    )
    return environment.from_string(source)


class _Generation(Extension):
    """`{% generation %}` marks answers for training; here it is nothing."""

    tags = {"generation"}  # noqa: RUF012  (Jinja's own declaration)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))


class _Namespace(Namespace):
    """Without names that begin with an underscore, which lead out of the sandbox."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # a template may name an entry "self"
        given = dict(*args[1:], **kwargs)
        for name in given:
            _check_name(name)
        Namespace.__init__(args[0], given)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError("a namespace has a name with an underscore")


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(value: Any, indent: int | None = None, **_options: Any) -> str:
    """Unlike Jinja's own, which escapes for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)
