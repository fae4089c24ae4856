"""Work on what strangers wrote, in a process of its own: it has an end, and takes no more memory
than is given.

A chat template is a program, and so are a tokenizer's rules: both can be written so that they
never end. One process works for all of them. It is started when it is first needed, which takes
a fraction of a second, is ended when it goes beyond its bounds, and with ours.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.text import reason_of

OPTION = "--isolated"  # how the frozen app is told to be this process
TASKS = {  # what may be asked for: a function of plain values
    "check_template": "mmgpt_desktop.engine.chat.rendering:check",
    "render": "mmgpt_desktop.engine.chat.rendering:render",
    "try_tokenizer": "mmgpt_desktop.engine.folder.tokenizing:try_out",
}
_START_S = 60.0  # for Python itself on a busy computer
_LOOK_S = 0.05
_REPLY_LIMIT = 32 << 20  # bytes


class Refused(Exception):
    """The work itself raised; what it said."""


class OutOfBounds(Exception):
    """The work took too long or too much memory, and was ended."""


def run(task: str, *arguments: Any, seconds: float, memory: int) -> Any:
    """What a function of `TASKS` returns for plain values. `memory` is in bytes.

    Raises Refused, OutOfBounds, and RuntimeFailure where no process can be started. Any thread
    may call; one after the other is served.
    """
    with _lock:
        worker = _worker[0] if _worker else None
        if worker is None or worker.ended:
            worker = _Worker()
            _worker[:] = [worker]
        reply = worker.ask([task, arguments], seconds, memory)
    if "refused" in reply:
        raise Refused(str(reply["refused"]))
    return reply.get("found")


class _Worker:
    def __init__(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        serving = f"import sys; sys.path.insert(0, {root!r}); from {__name__} import serve; serve()"
        # -P: not from the folder that the user happens to be in
        command = [sys.executable, "-P", "-c", serving]
        if getattr(sys, "frozen", False):
            command = [sys.executable, OPTION]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            title = "The model can't be looked at: no process could be started ({reason})."
            hint = "Close other programs, then try again."
            raise RuntimeFailure(title, hint, reason=reason_of(error)) from error
        self.ask([], _START_S, sys.maxsize)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def ask(self, question: Sequence[Any], seconds: float, memory: int) -> dict[str, Any]:
        """Raises OutOfBounds."""
        assert self._process.stdin
        assert self._process.stdout
        with self._watched(seconds, memory):
            try:
                self._process.stdin.write(json.dumps(question).encode() + b"\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline(_REPLY_LIMIT)
                reply = json.loads(line)
            except (OSError, ValueError, RecursionError) as error:
                self.close()
                raise OutOfBounds from error
        return reply if isinstance(reply, dict) else {}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent any more
                pipe and pipe.close()

    @contextlib.contextmanager
    def _watched(self, seconds: float, memory: int) -> Iterator[None]:
        """Meanwhile the process is ended if it goes beyond its bounds."""
        done, until = threading.Event(), time.monotonic() + seconds

        def watch() -> None:
            import psutil

            with contextlib.suppress(psutil.Error):  # it ended by itself
                process = psutil.Process(self._process.pid)
                while not done.wait(_LOOK_S):
                    if time.monotonic() > until or process.memory_info().rss > memory:
                        self._process.kill()
                        return

        watcher = threading.Thread(target=watch, name="isolated", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


_lock = threading.Lock()
_worker: list[_Worker] = []  # at most one


@atexit.register
def _close() -> None:
    for worker in _worker:
        worker.close()


def serve() -> None:
    """All that the other process does: a line in, a line out, until ours ends."""
    asked, replies = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no reply
    while line := asked.readline():
        _answer(json.loads(line), replies)


def _answer(question: list[Any], replies: IO[bytes]) -> None:
    reply: dict[str, Any] = {}
    try:
        if question:
            name, arguments = question
            module, _, function = TASKS[name].partition(":")
            work: Callable[..., Any] = getattr(import_module(module), function)
            reply["found"] = work(*arguments)
    except KeyboardInterrupt:
        raise SystemExit from None  # Ctrl+C is for all processes of a terminal
    except BaseException as error:  # a panic in a Rust library is no Exception
        reply["refused"] = reason_of(error)
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()
