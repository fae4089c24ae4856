"""A checkpoint's own chat template: Jinja from a stranger, so it runs in Jinja's sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from mmgpt_desktop.errors import BundleError, PromptError
from mmgpt_desktop.text import reason_of


class ChatTemplate:
    """`tokens` are the special tokens that the template may name ("bos_token")."""

    def __init__(self, source: str, tokens: Mapping[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
        )
        environment.filters["tojson"] = _to_json
        environment.globals.update(
            raise_exception=_refuse, strftime_now=datetime.now().strftime, namespace=_Namespace
        )
        try:
            self._template = environment.from_string(source)
        except (TemplateError, RecursionError) as error:
            title, hint = "The model's chat template can't be read ({reason}).", "Choose another."
            raise BundleError(title, hint, reason=reason_of(error)) from error
        self._tokens = dict(tokens)

    def render(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """The prompt of messages `{"role": ..., "content": [{"type": ...}, ...]}`, as far as
        the answer's beginning. Raises PromptError where the template refuses."""
        try:
            return self._template.render(
                messages=messages,
                add_generation_prompt=True,
                tools=None,
                documents=None,
                **self._tokens,
            )
        except Exception as error:  # a stranger's template may raise anything
            title = "The model's chat template refuses this conversation ({reason})."
            hint = "Begin a new conversation, or choose another model."
            raise PromptError(title, hint, reason=reason_of(error)) from error


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
