"""How work tells how far it is, and is ended when nobody waits for it. Standard library only."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mmgpt_desktop.errors import Cancelled

Progress = Callable[[float, str], None]  # fraction 0..1, what is being done


class CancelToken:
    """Set once, from any thread; the work that holds it ends with `Cancelled`.

    A runtime registers what ends a native call at once (`RunOptions.terminate`).
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def cancel(self) -> None:
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        if self._event.is_set():
            raise Cancelled

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on cancel, at once if that was before; returns what forgets it."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        callback()
        return lambda: None

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
