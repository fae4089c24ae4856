"""The souvenir page: a visitor's card for the visitor's phone, over the local network.

It listens while there is a card to fetch and at no other time, at one private address of this
computer. It answers GET and HEAD at the random addresses that were handed out, and the same 404
to everything else. It reads no file and keeps no log, and each of its connections serves one
request in limited time and memory.

What it can't do: hide a card from who reads the network's traffic, for it speaks plain HTTP, since
no phone trusts a certificate that this computer made itself; and go on serving while several
computers together hold all of its connections. The show doesn't notice, it has its own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import h11

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.expiring_links import Clock, Offer, Offers, Visits
from mmgpt_desktop.event.local_network import local_address
from mmgpt_desktop.event.profile import CardKind
from mmgpt_desktop.text import reason_of

HEAD_BYTES = 4096
MOST_CONNECTIONS, MOST_OF_A_CLIENT = 32, 6
_CHUNK = 65_536
_BACKLOG = 128  # who waits here costs nothing yet
_TICK_S, _CLOSE_S = 1.0, 5.0
_NOTHING = "There is nothing at this address, or nothing any more.\n这里没有内容，或内容已过期。\n"  # noqa: RUF001
_SAFE = (
    ("Cache-Control", "no-store"),
    # The style is what browsers put around a picture that they show by itself.
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Connection", "close"),
)  # fmt: skip

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """Seconds that a client may take in all: to send its request, and to take the answer."""

    request_s: float = 5.0
    answer_s: float = 30.0


@dataclass(frozen=True)
class _Reply:
    status: HTTPStatus
    kind: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


_UNKNOWN = _Reply(HTTPStatus.NOT_FOUND, body=_NOTHING.encode())
_WRONG_METHOD = _Reply(HTTPStatus.METHOD_NOT_ALLOWED, headers=(("Allow", "GET, HEAD"),))
_TOO_MANY = _Reply(HTTPStatus.TOO_MANY_REQUESTS, headers=(("Retry-After", "10"),))
_KINDS = {"png": "image/png", "pdf": "application/pdf"}


class SouvenirPage:
    """`offer` opens the page; it closes when the last card's time is over, when that card is
    taken back by `withdraw`, or when `forget` drops all.

    `address` is the one to listen at, by default the computer's own in its local network. With
    `port` 0 the system picks one each time. All may be called in any thread: only `offer` may
    wait, for a moment.
    """

    def __init__(
        self,
        port: int = 0,
        minutes: float = 10,
        address: Callable[[], str] = local_address,
        *,
        patience: Patience | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._port = port
        self.find_address = address
        self._patience, self._clock = patience or Patience(), clock
        self.offers = Offers(60 * minutes, clock)
        self._lock = threading.Lock()  # held for moments only: the window's thread takes it too
        self._listener: _Listener | None = None
        self._closing: _Listener | None = None

    def offer(self, data: bytes, kind: CardKind) -> tuple[str, Offer]:
        """The address at which `data` can be fetched from now on, and what `seconds_left` wants.

        Raises AppError where there is no local network, or its port is taken.
        """
        address = self.find_address()
        with self._lock:
            if self._listener is not None and self._listener.address != address:
                self._close()  # the computer is in another network now
            closing = self._closing
        if closing is not None:
            closing.closed.wait(_CLOSE_S)  # its port is free then
        with self._lock:
            if self._listener is None:
                self._listener = _Listener(self, address, self._port)
            offer = self.offers.add(data, kind)
            return f"http://{self._listener.host}/{offer.token}", offer

    def seconds_left(self, offer: Offer) -> float:
        """0 when it was fetched often enough or forgotten, or its time is over."""
        return self.offers.seconds_left(offer)

    def withdraw(self, offer: Offer) -> None:
        """Nobody knows its address yet."""
        self.offers.withdraw(offer)
        self._tidy()

    def forget(self) -> None:
        """A transfer that is under way may end, within `Patience.answer_s`."""
        self.offers.forget()
        with self._lock:
            self._close()

    @property
    def listens(self) -> bool:
        return self._listener is not None

    def wait_closed(self, seconds: float) -> bool:
        """For the end of the program and for tests: whether the last thread ended in time."""
        closing = self._closing
        if closing is not None:
            closing.thread.join(seconds)
        return closing is None or not closing.thread.is_alive()

    def _close(self) -> None:
        if self._listener is not None:
            self._closing, self._listener = self._listener, None
            self._closing.stop()

    def _tidy(self) -> None:
        """Once a second, on the listener's thread."""
        self.offers.drop_ended()
        with self._lock:
            if not self.offers:
                self._close()

    def _reply(self, request: h11.Request, host: str) -> _Reply:
        """On the listener's thread."""
        if request.method not in (b"GET", b"HEAD"):
            return _WRONG_METHOD
        # A website whose name was made to lead here would ask for its own name (DNS rebinding).
        if [value for name, value in request.headers if name == b"host"] != [host.encode()]:
            return _UNKNOWN
        token = request.target.decode("ascii").removeprefix("/")
        offer = self.offers.take(token, counts=request.method == b"GET")
        if offer is None:
            return _UNKNOWN
        shown = ("Content-Disposition", f'inline; filename="mmgpt-card.{offer.kind}"')
        return _Reply(HTTPStatus.OK, _KINDS[offer.kind], offer.data, (shown,))


class _Listener:
    """A bound socket and the thread that serves it until `stop`; `closed` when the port is free."""

    def __init__(self, page: SouvenirPage, address: str, port: int) -> None:
        self._page, self.address = page, address
        self._socket = _bound(address, port)
        self.host = f"{address}:{self._socket.getsockname()[1]}"
        self.closed = threading.Event()
        self._visits = Visits(page._clock)
        self._connections: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self.thread = threading.Thread(target=self._run, name="souvenir page", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._end.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            server = await asyncio.start_server(
                self._accept, sock=self._socket, limit=HEAD_BYTES, backlog=_BACKLOG
            )
            while not self._end.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._end.wait(), _TICK_S)
                self._page._tidy()
            server.close()
        finally:
            self._socket.close()
            self.closed.set()
        while self._tasks:  # each has its time limit
            await asyncio.wait(self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = str((writer.get_extra_info("peername") or ("",))[0])
        full = self._connections.total() >= MOST_CONNECTIONS
        if full or self._connections[client] >= MOST_OF_A_CLIENT:
            writer.transport.abort()
            return
        self._connections[client] += 1
        task = self._loop.create_task(self._serve_one(reader, writer, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str
    ) -> None:
        """One request, whatever comes. No error says what was asked, or by whom."""
        patience = self._page._patience
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        try:
            allowed = self._visits.allow(client)
            async with asyncio.timeout(patience.request_s):
                request = await _read(reader, connection)
            head_only = isinstance(request, h11.Request) and request.method == b"HEAD"
            if not allowed:
                reply = _TOO_MANY
            elif isinstance(request, h11.Request):
                reply = self._page._reply(request, self.host)
            else:
                reply = _Reply(request)
            async with asyncio.timeout(patience.answer_s):
                await _write(writer, connection, reply, head_only=head_only)
        except (TimeoutError, OSError, h11.ProtocolError):
            pass  # slow, gone or broken: not worth an answer
        except Exception as error:
            _log.error("the souvenir page failed to answer: %s", type(error).__name__)
        finally:
            writer.transport.abort()
            self._connections[client] -= 1
            self._connections += Counter()  # without those that have none


async def _read(
    reader: asyncio.StreamReader, connection: h11.Connection
) -> h11.Request | HTTPStatus:
    """The request's head, or what is wrong with it."""
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(HEAD_BYTES))
    except h11.RemoteProtocolError as error:
        return HTTPStatus(error.error_status_hint)
    if not isinstance(event, h11.Request):
        raise ConnectionError  # it closed without a word
    return event


async def _write(
    writer: asyncio.StreamWriter, connection: h11.Connection, reply: _Reply, *, head_only: bool
) -> None:
    size = ("Content-Length", str(len(reply.body)))
    headers = [*_SAFE, *reply.headers, ("Content-Type", reply.kind), size]
    reason = reply.status.phrase.encode()
    head = h11.Response(status_code=reply.status, headers=headers, reason=reason)
    writer.write(connection.send(head) or b"")
    for start in range(0, 0 if head_only else len(reply.body), _CHUNK):
        writer.write(connection.send(h11.Data(reply.body[start : start + _CHUNK])) or b"")
        await writer.drain()
    writer.close()
    await writer.wait_closed()


def _bound(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port), backlog=_BACKLOG)
    except OSError as error:
        raise AppError(
            "The page for visitors' phones can't be opened at {address}, port {port} ({reason}).",
            "Another program may use the port: name another one in the profile.",
            address=address,
            port=port,
            reason=reason_of(error),
        ) from error
