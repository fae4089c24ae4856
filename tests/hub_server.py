"""A model hub on this machine, made to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants

COMMIT = "c0ffee" + "0" * 34
REPOSITORY = "someone/tiny-model"
FILES = {
    "config.json": b'{"model_type": "idefics3"}',
    "tokenizer.json": b"{}" * 500,
    "model.safetensors": bytes(range(256)) * 4000,
    "pytorch_model.bin": b"a pickle",
    "modeling_tiny.py": b"print('never run')",
}


@dataclass
class Misbehaviour:
    """What the next answer for a file does; each is used once.

    `status` instead of 200, `cut` closes and `stall` goes silent after so many bytes,
    `ignore_range` sends all, `endless` sends more than there is.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: int | None = None
    ignore_range: bool = False
    damage: bool = False
    endless: bool = False


class HubServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(FILES if files is None else files)
        self.asked: list[tuple[str, dict[str, str]]] = []  # path, headers in lower case
        self.next: dict[str, list[Misbehaviour]] = {}  # file name, or "" for the list
        self.redirect_to: str | None = None  # where the files themselves lie
        self.listing_text: str | None = None
        self.stalled = threading.Event()
        self.over = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def misbehave(self, name: str, *behaviours: Misbehaviour) -> None:
        self.next[name] = list(behaviours)

    def ranges(self, name: str) -> list[str]:
        """The Range of each request for a file."""
        return [h.get("range", "") for path, h in self.asked if path.endswith("/" + name)]

    def listing(self) -> bytes:
        siblings = [
            {"rfilename": name, "size": len(data), **_checksum(name, data)}
            for name, data in self.files.items()
        ]
        return json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": siblings}).encode()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left in mid-answer is what many tests are about."""


def _checksum(name: str, data: bytes) -> dict[str, object]:
    if name.endswith(".safetensors"):
        sha256 = hashlib.sha256(data).hexdigest()
        return {"lfs": {"sha256": sha256, "size": len(data), "pointerSize": 134}}
    return {"blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}


class _Handler(BaseHTTPRequestHandler):
    server: HubServer

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        self.server.asked.append((path, headers))
        name = "" if path.startswith("/api/") else path.partition(f"/{COMMIT}/")[2]
        queue = self.server.next.get(name, [])
        how = queue.pop(0) if queue else Misbehaviour()
        if how.status != 200:
            self._send(how.status, b"{}", how.headers)
        elif not name:
            text = self.server.listing_text
            self._send(200, self.server.listing() if text is None else text.encode())
        elif self.server.redirect_to is not None:
            self._send(302, b"", {"Location": self.server.redirect_to + self.path})
        else:
            self._send_file(self.server.files[name], how, headers.get("range", ""))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def _send_file(self, data: bytes, how: Misbehaviour, wanted: str) -> None:
        start = 0 if how.ignore_range or not wanted else int(wanted[6:-1])
        body = data[start:]
        if how.damage:
            body = bytes(len(body))
        if how.endless:
            body += b"more"
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = how.cut if how.cut is not None else how.stall
        self.wfile.write(body if sent is None else body[:sent])
        self.wfile.flush()
        if how.stall is not None:
            self.server.stalled.set()
            self.server.over.wait()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running_hub(files: dict[str, bytes] | None = None) -> Iterator[HubServer]:
    """A hub on this computer; it answers where HF_HUB_OFFLINE keeps tests off the network too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield from _running(files)


def _running(files: dict[str, bytes] | None) -> Iterator[HubServer]:
    server = HubServer(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
