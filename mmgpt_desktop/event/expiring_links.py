"""What the souvenir page has to give, and who asked how often: in memory alone, and limited."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]  # seconds from some start, as time.monotonic

TOKEN_BYTES = 16
FETCHES = 5
"""A phone may fetch a page twice before it shows it, and an app may look at it beforehand."""
MOST_OFFERS = 64  # for a visitor a minute, and ten minutes for each, there is room to spare
MOST_BYTES = 200_000_000
REQUESTS, WINDOW_S = 20, 10.0
MOST_CLIENTS = 512


@dataclass(eq=False)
class Offer:
    """One card at one address. `token` is 128 random bits, spelt with letters, digits, - and _."""

    token: str
    data: bytes
    kind: str
    ends: float
    fetches_left: int = FETCHES


class Offers:
    """The cards that can be fetched; the oldest goes where there are too many. For any thread."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._lock = threading.RLock()
        self._offers: list[Offer] = []

    def add(self, data: bytes, kind: str) -> Offer:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        offer = Offer(token, data, kind, self._clock() + self._seconds)
        with self._lock:
            self.drop_ended()
            self._offers.append(offer)
            while len(self._offers) > MOST_OFFERS or self._held() > max(MOST_BYTES, len(data)):
                self._offers.pop(0)
        return offer

    def take(self, token: str, *, counts: bool) -> Offer | None:
        """The offer of that token while it lasts; `counts` says that its data will be sent."""
        with self._lock:
            self.drop_ended()
            for offer in self._offers:
                if hmac.compare_digest(offer.token, token):
                    offer.fetches_left -= counts
                    return offer
        return None

    def drop_ended(self) -> None:
        now = self._clock()
        with self._lock:
            self._offers = [
                each for each in self._offers if each.ends > now and each.fetches_left > 0
            ]

    def withdraw(self, offer: Offer) -> None:
        with self._lock:
            self._offers = [each for each in self._offers if each is not offer]

    def forget(self) -> None:
        with self._lock:
            self._offers.clear()

    def seconds_left(self, offer: Offer) -> float:
        """0 as soon as nobody can fetch it any more."""
        with self._lock:
            self.drop_ended()
            return offer.ends - self._clock() if offer in self._offers else 0.0

    def __len__(self) -> int:
        return len(self._offers)

    def _held(self) -> int:
        return sum(len(offer.data) for offer in self._offers)


class Visits:
    """Lets each client ask `REQUESTS` times in `WINDOW_S` seconds.

    It remembers an address for that long, and `MOST_CLIENTS` at most. For one thread.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    @property
    def clients(self) -> list[str]:
        """Whom it remembers, the last to ask at the end."""
        return list(self._times)

    def allow(self, client: str) -> bool:
        """Count a request, whether it is let in or not: who hammers stays out."""
        now = self._clock()
        times = self._times.setdefault(client, deque(maxlen=REQUESTS + 1))
        self._times.move_to_end(client)
        times.append(now)
        while self._times and (
            len(self._times) > MOST_CLIENTS
            or next(iter(self._times.values()))[-1] <= now - WINDOW_S
        ):
            self._times.popitem(last=False)
        return sum(each > now - WINDOW_S for each in times) <= REQUESTS
