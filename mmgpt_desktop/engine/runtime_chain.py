"""Runtimes that are tried one after the other, when a model is opened and when one breaks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.fallback import fallback_note
from mmgpt_desktop.engine.memory import has_room
from mmgpt_desktop.errors import CardFailure, NoCard, RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName
from mmgpt_desktop.note import NO_NOTE

T = TypeVar("T")
P = ParamSpec("P")
Chain = TypeVar("Chain", bound="RuntimeChain")


def goes_over(
    call: Callable[Concatenate[Chain, P], T],
) -> Callable[Concatenate[Chain, P], T]:
    """A call to the present runtime, done again with the next one when that breaks."""

    @wraps(call)
    def done(engine: Chain, /, *args: P.args, **kwargs: P.kwargs) -> T:
        while True:
            try:
                return call(engine, *args, **kwargs)
            except RuntimeFailure as failure:
                engine.go_over(failure)

    return done


class RuntimeChain(ABC):
    """What has a runtime, and another one where that breaks. All calls from one thread.

    Without a `choice` the runtimes of `order` are tried one after the other, also when one
    breaks at work: what was asked is done again with the next, which stays until the model is
    loaded anew. A choice is kept or fails; PyTorch on the processor is still PyTorch.
    """

    card = True  # whether PyTorch may use the graphics card: until it breaks there

    def __init__(self, order: Sequence[RuntimeName], choice: RuntimeName | None) -> None:
        self._forced = choice is not None
        self._untried = [choice] if choice else list(order)
        self._runtime: Any = None
        self._note = NO_NOTE

    def take_order(self, order: Sequence[RuntimeName]) -> None:
        """What is known only once the files are opened; a choice stays."""
        if not self._forced:
            self._untried = list(order)

    @abstractmethod
    def open(self, progress: Progress, cancel: CancelToken) -> None:
        """Open the model's files: the first part of `load`."""

    @abstractmethod
    def room_wanted(self) -> tuple[int, int]:
        """Bytes of the opened model's weights: in the computer's memory, and on a card."""

    @abstractmethod
    def make_runtime(self, name: RuntimeName) -> Any:
        """Raises RuntimeFailure if that runtime can't be had here."""

    def start(self, progress: Progress, cancel: CancelToken, make_room: Callable[[], None]) -> None:
        """Open the model and the first runtime that works.

        `make_room` is called first where there is too little free memory: it may close what else
        is loaded. Raises BundleError, RuntimeFailure and Cancelled.
        """
        progress(0.0, "Checking the model's files")
        self.open(progress, cancel)
        if not has_room(*self.room_wanted()):
            make_room()
        self._start_runtime(None, cancel)

    @property
    def runtime(self) -> RuntimeInfo:
        """What really runs, with a note on a fallback; after `load`."""
        assert self._runtime is not None
        info: RuntimeInfo = self._runtime.info
        return replace(info, note=self._note or info.note)

    def forget(self) -> None:  # noqa: B027, not every one remembers something
        """Drop what was computed by the runtime: it is closed, or its owner gone."""

    def close(self) -> None:
        self.forget()  # first: the runtime gives back what is free
        if self._runtime is not None:
            self._runtime.close()

    def go_over(self, failure: RuntimeFailure) -> None:
        """Change to the next runtime; raises the present one's `failure` if there is none.

        After PyTorch on the graphics card that is PyTorch on the processor.
        """
        info: RuntimeInfo = self._runtime.info
        if info.runtime is RuntimeName.TORCH and info.on_card:
            self.card = False
            self._untried.insert(0, RuntimeName.TORCH)
        elif self._forced:
            raise failure
        self._start_runtime(failure, CancelToken())

    def _start_runtime(self, failure: RuntimeFailure | None, cancel: CancelToken) -> None:
        """Make the next runtime that can be had; `failure` is the present one's.

        If none can, the present one stays: what broke it may pass.
        """
        while self._untried:
            cancel.raise_if_cancelled()
            name = self._untried.pop(0)
            try:
                runtime = self.make_runtime(name)
            except RuntimeFailure as error:
                ordinary = isinstance(error, NoCard) and not self._forced
                # What a card failed with says nothing of why the processor does.
                if not ordinary and (failure is None or isinstance(failure, CardFailure)):
                    failure = error
                continue
            self.close()
            self._runtime = runtime
            self._note = fallback_note(name, failure, left_card=not self.card)
            return
        raise failure or RuntimeFailure("No runtime is left to try.")
