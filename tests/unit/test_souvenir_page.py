"""The souvenir page as somebody in the same network would try it: by raw sockets."""

from __future__ import annotations

import contextlib
import http.client
import logging
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from urllib.parse import urlsplit

import psutil
import pytest

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event import expiring_links as offers
from mmgpt_desktop.event import local_network
from mmgpt_desktop.event import souvenir_page as pages
from mmgpt_desktop.event.expiring_links import FETCHES, REQUESTS, WINDOW_S, Offers, Visits
from mmgpt_desktop.event.local_network import is_private, local_address
from mmgpt_desktop.event.souvenir_page import HEAD_BYTES, MOST_OF_A_CLIENT, Patience, SouvenirPage

CARD = b"\x89PNG" + bytes(range(256)) * 2000
HERE = "127.0.0.1"
LONG_S = 60.0  # for what must come, however busy the computer is
NOT_FOUND = b"HTTP/1.1 404 Not Found"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(clock: Clock) -> Iterator[SouvenirPage]:
    opened = SouvenirPage(minutes=10, address=lambda: HERE, clock=clock)
    yield opened
    opened.forget()
    assert opened.wait_closed(LONG_S)


@pytest.fixture
def url(page: SouvenirPage) -> str:
    return page.offer(CARD, "png")[0]


def host_of(url: str) -> str:
    return urlsplit(url).netloc


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return socket.create_connection((parts.hostname, parts.port), timeout=LONG_S)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side ends; a reset is an end."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            got += part
    return got


def raw(url: str, request: bytes) -> bytes:
    with connect(url) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        return everything(connection)


def ask(url: str, target: str | None = None, method: str = "GET", host: str = "") -> bytes:
    target = urlsplit(url).path if target is None else target
    head = f"{method} {target} HTTP/1.1\r\nHost: {host or host_of(url)}\r\n\r\n"
    return raw(url, head.encode("latin-1"))


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_the_address_gives_the_card_and_says_to_keep_it_to_oneself(url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=LONG_S)
    connection.request("GET", parts.path)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read() == CARD
    headers = {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    assert headers["content-type"] == "image/png"
    assert headers["content-length"] == str(len(CARD))
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["connection"] == "close"
    assert {"server", "date", "x-powered-by", "set-cookie"}.isdisjoint(headers)


def test_a_pdf_is_named_as_one(page: SouvenirPage) -> None:
    answer = ask(page.offer(b"%PDF-", "pdf")[0])
    assert b"Content-Type: application/pdf\r\n" in answer
    assert b'filename="mmgpt-card.pdf"' in answer


def test_addresses_are_long_random_and_never_the_same(page: SouvenirPage) -> None:
    found = {urlsplit(page.offer(b"x", "png")[0]).path for _ in range(50)}
    assert len(found) == 50
    assert all(re.fullmatch(r"/[\w-]{22}", path, re.ASCII) for path in found)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "",
        "//",
        "/index.html",
        "/favicon.ico",
        "/robots.txt",
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://example.com/",
        "*",
        "/?",
        "/AAAAAAAAAAAAAAAAAAAAAA",
        "/" + "A" * 2000,
        "/<script>alert(1)</script>",
        "/{0}%s%n",
    ],
)
def test_everything_else_is_the_same_404(url: str, target: str) -> None:
    unknown = ask(url, "/unknown")
    assert unknown.startswith(NOT_FOUND)
    answer = ask(url, target)
    assert answer == (unknown if target else answer)
    assert answer.startswith((NOT_FOUND, b"HTTP/1.1 400"))  # 400: no target at all
    assert CARD[:100] not in answer
    assert b"unknown" not in unknown  # nothing of the request comes back


@pytest.mark.parametrize(
    "change", ["more", "less", "case", "query", "fragment", "slash", "percent"]
)
def test_nearly_the_address_is_not_the_address(url: str, change: str) -> None:
    path = urlsplit(url).path
    other = {
        "more": path + "A",
        "less": path[:-1],
        "case": path.swapcase(),
        "query": path + "?x=1",
        "fragment": path + "#x",
        "slash": path + "/",
        "percent": f"/%{ord(path[1]):02x}{path[2:]}",
    }[change]
    assert ask(url, other).startswith(NOT_FOUND)
    assert body(ask(url)) == CARD


def test_it_may_be_fetched_a_few_times_and_looked_at_beforehand(
    page: SouvenirPage, clock: Clock
) -> None:
    url, offer = page.offer(CARD, "png")
    for _ in range(FETCHES):
        head = ask(url, method="HEAD")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert f"Content-Length: {len(CARD)}".encode() in head
        assert body(head) == b""
        assert page.seconds_left(offer) == 600
        assert body(ask(url)) == CARD
        clock.now += WINDOW_S
        offer.ends += WINDOW_S
    again = ask(url)
    assert again.startswith(NOT_FOUND) or again == b""  # without a card it closes within a second
    assert page.seconds_left(offer) == 0


def test_it_ends_with_its_time(page: SouvenirPage, clock: Clock) -> None:
    first, offer = page.offer(CARD, "png")
    clock.now += 599
    second, _ = page.offer(b"two", "png")
    assert body(ask(first)) == CARD
    assert page.seconds_left(offer) == 1
    clock.now += 1
    assert ask(first) == ask(second, "/unknown")
    assert body(ask(second)) == b"two"
    assert page.seconds_left(offer) == 0


def test_without_cards_nothing_listens(page: SouvenirPage, clock: Clock) -> None:
    assert not page.listens
    url, _ = page.offer(CARD, "png")
    assert page.listens
    clock.now += 600
    deadline = time.monotonic() + LONG_S
    while page.listens and time.monotonic() < deadline:
        pass
    assert not page.listens
    assert page.wait_closed(LONG_S)
    with pytest.raises(ConnectionRefusedError):
        connect(url)
    assert len(page.offers) == 0


def test_forgetting_drops_all_and_frees_the_port(page: SouvenirPage) -> None:
    url, offer = page.offer(CARD, "png")
    port = urlsplit(url).port
    page.forget()
    assert page.seconds_left(offer) == 0
    assert not page.listens
    assert page.wait_closed(LONG_S)
    with pytest.raises(ConnectionRefusedError):
        connect(url)
    page.forget()  # twice is fine
    same = SouvenirPage(port or 0, address=lambda: HERE)
    for _ in range(3):  # at the same port again, at once
        other, _ = same.offer(b"new", "png")
        assert urlsplit(other).port == port
        assert ask(other, urlsplit(url).path).startswith(NOT_FOUND)
        assert body(ask(other)) == b"new"
        same.forget()
    assert same.wait_closed(LONG_S)


def test_a_transfer_that_began_may_end(page: SouvenirPage) -> None:
    url, _ = page.offer(CARD * 20, "png")
    with connect(url) as phone:
        phone.sendall(f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: {host_of(url)}\r\n\r\n".encode())
        begun = phone.recv(1)
        page.forget()
        assert body(begun + everything(phone)) == CARD * 20


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"]
)
def test_other_methods_are_refused_alike_for_known_and_unknown(url: str, method: str) -> None:
    known, unknown = ask(url, method=method), ask(url, "/unknown", method)
    assert known == unknown
    assert known.startswith(b"HTTP/1.1 405 ")
    assert b"Allow: GET, HEAD\r\n" in known
    assert body(known) == b""


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost", HERE, f"{HERE}:1", "[::1]", "user@" + HERE],
)
def test_a_name_that_was_made_to_lead_here_gets_nothing(url: str, host: str) -> None:
    assert ask(url, host=host).startswith(NOT_FOUND)


def test_hosts_in_plenty_or_none_get_nothing(url: str) -> None:
    path, host = urlsplit(url).path, host_of(url)
    for headers in ("", f"Host: {host}\r\nHost: evil.example\r\n", "Host:\r\n"):
        answer = raw(url, f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode())
        assert answer.startswith((b"HTTP/1.1 400", NOT_FOUND))
    old = raw(url, f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert old.startswith(NOT_FOUND)
    absolute = raw(url, f"GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert absolute.startswith(NOT_FOUND)


def test_an_old_client_that_names_the_host_is_served(url: str) -> None:
    request = f"GET {urlsplit(url).path} HTTP/1.0\r\nHost: {host_of(url)}\r\n\r\n"
    assert body(raw(url, request.encode())) == CARD


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n\r\n",
        b"\x00" * 64,
        bytes(range(256)),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # TLS
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
    ],
)
def test_garbage_is_refused_and_the_next_one_served(url: str, garbage: bytes) -> None:
    with connect(url) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        answer = everything(connection)
    assert re.match(rb"HTTP/1\.1 (400|404|405|501) |$", answer)
    assert CARD[:100] not in answer
    assert body(ask(url)) == CARD


@pytest.mark.parametrize("size", [HEAD_BYTES * 2 + 2, 5_000_000])
@pytest.mark.parametrize("where", ["target", "header", "headers", "endless"])
def test_a_large_head_is_cut_off(url: str, where: str, size: int) -> None:
    host, path = host_of(url), urlsplit(url).path
    lines = "X: 1\r\n" * (size // 6)
    head = {
        "target": f"GET /{'A' * size} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "header": f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX: {'A' * size}\r\n\r\n",
        "headers": f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n",
        "endless": "A" * size,
    }[where]
    answer = raw(url, head.encode())
    assert re.match(rb"HTTP/1\.1 (400|431) |$", answer)
    assert body(ask(url)) == CARD


def test_what_follows_a_request_is_not_another_one(url: str) -> None:
    path, host = urlsplit(url).path, host_of(url)
    one = f"GET /unknown HTTP/1.1\r\nHost: {host}\r\nContent-Length: 200\r\n\r\n"
    two = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    answer = raw(url, (one + two).encode())
    assert answer.count(b"HTTP/1.1") <= 1
    assert CARD[:100] not in answer


def hurried(request_s: float = LONG_S, answer_s: float = LONG_S) -> SouvenirPage:
    return SouvenirPage(address=lambda: HERE, patience=Patience(request_s, answer_s))


def test_a_client_that_sends_slowly_is_cut_off_however_it_drips() -> None:
    page = hurried(request_s=0.3)
    url, _ = page.offer(CARD, "png")
    with connect(url) as silent, connect(url) as dripping:
        stop = threading.Event()

        def drip() -> None:
            with contextlib.suppress(ConnectionError):
                for byte in b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000:
                    if stop.wait(0.01):
                        break
                    dripping.sendall(bytes([byte]))

        thread = threading.Thread(target=drip)
        thread.start()
        assert everything(silent) == b""
        assert everything(dripping) == b""
        stop.set()
        thread.join()
    assert body(ask(url)) == CARD
    page.forget()
    assert page.wait_closed(LONG_S)


def test_a_client_that_reads_slowly_is_cut_off() -> None:
    page = hurried(answer_s=0.3)
    large = CARD * 40  # more than the system's buffers take
    url, _ = page.offer(large, "png")
    with connect(url) as phone:
        phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        phone.sendall(f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: {host_of(url)}\r\n\r\n".encode())
        page.forget()
        assert page.wait_closed(LONG_S)  # it didn't wait for the phone
        assert len(everything(phone)) < len(large)


def test_one_client_has_few_connections_at_a_time(page: SouvenirPage) -> None:
    url, _ = page.offer(CARD, "png")
    with contextlib.ExitStack() as held:
        mine = [held.enter_context(connect(url)) for _ in range(MOST_OF_A_CLIENT)]
        assert ask(url) == b""  # shut at once
        mine[0].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert everything(mine[0]).startswith(NOT_FOUND)
        mine.pop(0)
    assert body(until_served(url)) == CARD


def until_served(url: str) -> bytes:
    """The page notes a client's leaving a moment after it left."""
    deadline = time.monotonic() + LONG_S
    while not (answer := ask(url)) and time.monotonic() < deadline:
        pass
    return answer


def is_open(client: socket.socket) -> bool:
    """Neither an answer nor an end came."""
    return not select.select([client], [], [], 0)[0]


def test_hundreds_of_connections_leave_it_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_OF_A_CLIENT", 1000)
    monkeypatch.setattr(offers, "REQUESTS", 1000)
    page = hurried()
    url, _ = page.offer(CARD, "png")
    files, threads = psutil.Process().num_fds(), threading.active_count()
    with contextlib.ExitStack() as held:
        many = [held.enter_context(connect(url)) for _ in range(200)]
        assert ask(url) == b""
        assert sum(map(is_open, many)) == pages.MOST_CONNECTIONS
        assert threading.active_count() == threads
        assert psutil.Process().num_fds() <= files + len(many) + pages.MOST_CONNECTIONS
    assert body(until_served(url)) == CARD
    page.forget()
    assert page.wait_closed(LONG_S)


def test_who_hammers_waits(page: SouvenirPage, clock: Clock) -> None:
    url, _ = page.offer(CARD, "png")
    for _ in range(REQUESTS):
        assert ask(url, "/guess").startswith(NOT_FOUND)
    refused = ask(url)
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b"Retry-After: 10\r\n" in refused
    clock.now += WINDOW_S + 1
    assert body(ask(url)) == CARD


def test_nothing_of_a_visitor_is_logged(
    page: SouvenirPage, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    url, _ = page.offer(CARD, "png")
    ask(url)
    ask(url, "/secret")
    raw(url, b"\x00secret\r\n\r\n")
    page.forget()
    assert page.wait_closed(LONG_S)
    out, err = capfd.readouterr()
    said = caplog.text + out + err
    assert [word for word in ("secret", urlsplit(url).path, HERE) if word in said] == []


def test_a_failure_inside_is_not_told_to_the_client_nor_ends_the_page(
    page: SouvenirPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, _ = page.offer(CARD, "png")

    def broken(token: str, *, counts: bool) -> None:
        raise RuntimeError(token)

    with monkeypatch.context() as patch:
        patch.setattr(page.offers, "take", broken)
        assert ask(url) == b""
    assert body(ask(url)) == CARD
    assert "RuntimeError" in caplog.text
    assert urlsplit(url).path[1:] not in caplog.text


def test_a_taken_port_is_a_sentence() -> None:
    with socket.create_server((HERE, 0)) as other:
        port = other.getsockname()[1]
        page = SouvenirPage(port, address=lambda: HERE)
        with pytest.raises(AppError) as caught:
            page.offer(CARD, "png")
    assert str(port) in caught.value.title
    assert not page.listens
    page.offer(CARD, "png")  # free again
    page.forget()
    assert page.wait_closed(LONG_S)


def test_in_another_network_it_moves_there() -> None:
    addresses = [HERE, "127.0.0.2"]
    page = SouvenirPage(address=lambda: addresses[0])
    first, _ = page.offer(CARD, "png")
    addresses.pop(0)
    second, _ = page.offer(b"two", "png")
    assert urlsplit(second).hostname == "127.0.0.2"
    assert body(ask(second)) == b"two"
    with pytest.raises(ConnectionRefusedError):
        connect(first)
    page.forget()
    assert page.wait_closed(LONG_S)


def test_offers_have_limits(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Offers(60, clock)
    made = [kept.add(b"x", "png") for _ in range(offers.MOST_OFFERS + 3)]
    assert len(kept) == offers.MOST_OFFERS
    assert kept.take(made[0].token, counts=True) is None
    assert kept.take(made[-1].token, counts=True) is made[-1]
    monkeypatch.setattr(offers, "MOST_BYTES", 10)
    kept.add(b"123456", "png")
    last = kept.add(b"1234567", "png")
    assert len(kept) == 1
    assert kept.take(last.token, counts=False) is last


def test_visits_are_counted_for_each_client_and_soon_forgotten(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = Visits(clock)
    assert all(visits.allow("a") for _ in range(REQUESTS))
    assert not visits.allow("a")
    assert visits.allow("b")
    clock.now += WINDOW_S / 2
    assert not visits.allow("a")
    clock.now += WINDOW_S + 1
    assert visits.allow("c")
    assert visits.clients == ["c"]
    monkeypatch.setattr(offers, "MOST_CLIENTS", 3)
    for client in "defgh":
        visits.allow(client)
    assert visits.clients == ["f", "g", "h"]


def interfaces(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, tuple[str, bool]], outward: str = ""
) -> None:
    addresses = {
        name: [SimpleNamespace(family=socket.AF_INET, address=address, ptp=None)]
        for name, (address, _) in found.items()
    }
    stats = {name: SimpleNamespace(isup=up) for name, (_, up) in found.items()}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: stats)
    monkeypatch.setattr(local_network, "outward_address", lambda: outward)


def test_the_local_address_is_the_one_towards_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "lo": (HERE, True),
        "docker0": ("172.17.0.1", True),
        "eth0": ("10.1.2.3", True),
        "eth1": ("10.0.0.1", False),
        "wlan0": ("192.168.7.9", True),
        "ppp0": ("137.1.2.3", True),
    }
    interfaces(monkeypatch, found, "192.168.7.9")
    assert local_address() == "192.168.7.9"
    interfaces(monkeypatch, found, "137.1.2.3")  # a public address is never taken
    assert local_address() == "10.1.2.3"
    interfaces(monkeypatch, {"docker0": found["docker0"], "x": ("169.254.1.1", True)})
    assert local_address() == "169.254.1.1"


def test_the_organiser_may_name_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces(
        monkeypatch, {"eth0": ("10.1.2.3", True), "wlan0": ("192.168.7.9", True)}, "10.1.2.3"
    )
    assert local_address() == "10.1.2.3"
    assert local_address("192.168.7.9") == "192.168.7.9"
    with pytest.raises(AppError, match=r"doesn't have the address 192\.168\.1\.1 now"):
        local_address("192.168.1.1")


def test_without_a_local_network_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces(monkeypatch, {"lo": (HERE, True), "eth0": ("8.8.4.4", True)}, "8.8.4.4")
    with pytest.raises(AppError, match="in no local network"):
        local_address()


def test_private_means_local() -> None:
    assert all(map(is_private, ["10.0.0.1", "172.31.1.1", "192.168.1.1", "169.254.9.9"]))
    assert not any(map(is_private, ["127.0.0.1", "172.32.0.1", "100.64.0.1", "8.8.8.8", "0.0.0.0"]))
    assert not any(map(is_private, ["", "x", "::1", "10.1", "10.0.0.1:80", "fd00::1"]))


def test_this_computers_own_interfaces_can_be_read() -> None:
    with contextlib.suppress(AppError):
        assert is_private(local_address())
