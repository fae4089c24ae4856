"""A checkpoint's own chat template: a stranger's program, so it runs in another process, with
bounds, and there in Jinja's sandbox (`rendering`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmgpt_desktop.engine.isolated import OutOfBounds, Refused, run
from mmgpt_desktop.errors import BundleError, PromptError
from mmgpt_desktop.text import reason_of

SECONDS, MEMORY = 5.0, 1 << 30  # a template of ordinary length takes a millisecond


class ChatTemplate:
    """`tokens` are the special tokens that the template may name ("bos_token")."""

    def __init__(self, source: str, tokens: Mapping[str, str]) -> None:
        """Raises BundleError where the template can't be read."""
        self._source, self._tokens = source, dict(tokens)
        title, hint = "The model's chat template can't be read ({reason}).", "Choose another."
        try:
            run("check_template", source, seconds=SECONDS, memory=MEMORY)
        except Refused as error:
            raise BundleError(title, hint, reason=reason_of(error)) from error
        except OutOfBounds as error:
            raise BundleError(title, hint, reason="it has no end") from error

    def render(self, messages: Sequence[Mapping[str, Any]], *, begin_answer: bool = True) -> str:
        """The prompt of messages `{"role": ..., "content": [{"type": ...}, ...]}`, as far as
        the answer's beginning. Raises PromptError where the template refuses or has no end."""
        hint = "Begin a new conversation, or choose another model."
        asked = (self._source, self._tokens, list(messages), begin_answer)
        try:
            return str(run("render", *asked, seconds=SECONDS, memory=MEMORY))
        except Refused as error:
            title = "The model's chat template refuses this conversation ({reason})."
            raise PromptError(title, hint, reason=reason_of(error)) from error
        except OutOfBounds as error:
            title = "The model's chat template does not come to an end."
            raise PromptError(title, hint) from error
