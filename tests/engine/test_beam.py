"""Beam search on a made-up language model whose every probability is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.beam import Beam, beam_search
from mmgpt_desktop.engine.generate import Answer, Token, decode
from mmgpt_desktop.engine.runtime import DecodeResult
from mmgpt_desktop.errors import Cancelled, RuntimeFailure
from mmgpt_desktop.messages import RuntimeInfo, RuntimeName, Sampling
from tests.fakes import ENCODED, FakeRuntime

END, A, B, C, D = range(5)
PROMPT = (9, 9)
RARE = 1e-6


class TableRuntime:
    """Gives the next token the chances that stand beside what was written."""

    def __init__(self, table: Mapping[tuple[int, ...], Mapping[int, float]]) -> None:
        self.info = RuntimeInfo(RuntimeName.ONNX_CPU, "table")
        self.table = table
        self.fed: list[list[int]] = []

    def prepare(self, fusion: str) -> None: ...

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Any: ...

    def edges(self, pixels: NDArray[np.float32], fusion: str, cancel: CancelToken) -> Any: ...

    def decode(
        self,
        token_ids: Sequence[int],
        encoded: Any,
        cache: Any | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        self.fed.append(list(token_ids))
        seen = (*(cache or ()), *token_ids)
        chances = np.full(5, RARE)
        for token, chance in self.table[seen[len(PROMPT) :]].items():
            chances[token] = chance
        weights = np.full((1, 1, 1), len(seen), np.float32) if attention else None
        return DecodeResult(np.log(chances).astype(np.float32), weights, seen)

    def close(self) -> None: ...


# The likeliest first word leads to unlikely answers: 0.6 * 0.4 < 0.4 * 0.9.
GARDEN_PATH = {
    (): {A: 0.6, B: 0.4},
    (A,): {C: 0.4, D: 0.35, END: 0.25},
    (B,): {D: 0.9, C: 0.1},
    (A, C): {END: 1.0},
    (A, D): {END: 1.0},
    (B, D): {END: 1.0},
    (B, C): {END: 1.0},
}


def write(
    runtime: Any, sampling: Sampling, *, greedy: bool = False, attention: bool = False
) -> list[Token]:
    answer = Answer(PROMPT, sampling)
    how = decode if greedy else beam_search
    tokens = list(
        how(
            runtime,
            ENCODED,
            answer,
            stop_ids={END},
            context_length=32,
            attention=attention,
            cancel=CancelToken(),
        )
    )
    assert answer.tokens == [token.token_id for token in tokens]
    return tokens


def ids(tokens: Sequence[Token]) -> list[int]:
    return [token.token_id for token in tokens]


def test_beams_find_what_greedy_misses() -> None:
    assert ids(write(TableRuntime(GARDEN_PATH), Sampling(), greedy=True)) == [A, C]
    assert ids(write(TableRuntime(GARDEN_PATH), Sampling(beams=2))) == [B, D]


def test_one_beam_is_greedy() -> None:
    assert ids(write(TableRuntime(GARDEN_PATH), Sampling(beams=1))) == [A, C]


def test_each_token_has_its_own_probability_and_attention() -> None:
    tokens = write(TableRuntime(GARDEN_PATH), Sampling(beams=2), attention=True)
    assert [token.probability for token in tokens] == pytest.approx([0.4, 0.9], abs=1e-4)
    looked = [token.attention for token in tokens]
    assert [weights.item() for weights in looked if weights is not None] == [2, 3]


def test_certainty_counts_the_end_and_is_calibrated() -> None:
    for calibration, chances in ((1.0, [0.4, 0.9, 1.0]), (2.0, [0.449, 0.748, 0.996])):
        answer = Answer(PROMPT, Sampling(beams=2), calibration)
        search = beam_search(
            TableRuntime(GARDEN_PATH),
            ENCODED,
            answer,
            stop_ids={END},
            context_length=32,
            attention=False,
            cancel=CancelToken(),
        )
        assert ids(list(search)) == [B, D]
        assert answer.probabilities == pytest.approx(chances, abs=2e-3)
        assert answer.mean_probability == pytest.approx(np.prod(answer.probabilities) ** (1 / 3))


def test_a_beam_feeds_the_prompt_once_and_then_one_token() -> None:
    runtime = TableRuntime(GARDEN_PATH)
    write(runtime, Sampling(beams=2))
    assert runtime.fed[0] == list(PROMPT)
    assert all(len(fed) == 1 for fed in runtime.fed[1:])


def test_the_length_penalty_is_wus() -> None:
    token = Token(A, 0.5, None)
    assert Beam((token,), -2.0, ()).score == -2.0
    assert Beam((token,) * 7, -2.0, (), ended=True).score == pytest.approx(-2 / 2**0.6)


def test_length_is_made_up_for() -> None:
    """By itself the short answer is the likelier one: 0.4 against 0.6 * 0.62."""
    table = {
        (): {END: 0.4, A: 0.6},
        (A,): {B: 0.62, C: 0.38},
        (A, B): {C: 1.0},
        (A, C): {C: 1.0},
        (A, B, C): {END: 1.0},
        (A, C, C): {END: 1.0},
    }
    assert ids(write(TableRuntime(table), Sampling(beams=2))) == [A, B, C]


def test_the_repetition_penalty_holds() -> None:
    table = {
        (): {A: 0.9, B: 0.1},
        (A,): {A: 0.55, B: 0.45},
        (A, A): {END: 1.0},
        (A, B): {END: 1.0},
        (B,): {END: 1.0},
    }
    assert ids(write(TableRuntime(table), Sampling(beams=2))) == [A, A]
    assert ids(write(TableRuntime(table), Sampling(beams=2, repetition_penalty=2))) == [A, B]


def test_an_answer_without_end_stops_when_it_is_full() -> None:
    table = {(A,) * length: {A: 1.0} for length in range(40)}
    assert ids(write(TableRuntime(table), Sampling(beams=1, max_new_tokens=7))) == [A] * 7
    assert len(write(TableRuntime(table), Sampling(beams=1, max_new_tokens=64))) == 30


def test_it_can_be_cancelled_and_what_breaks_is_said() -> None:
    cancel = CancelToken()
    answer = Answer((2,), Sampling(beams=2))
    options: dict[str, Any] = {"stop_ids": {3}, "context_length": 32, "attention": False}
    broken = FakeRuntime([5, 6, 7], fail_at=[2])
    with pytest.raises(RuntimeFailure):
        list(beam_search(broken, ENCODED, answer, cancel=cancel, **options))
    assert answer.tokens == []
    stopped = FakeRuntime([5, 6, 7], before=lambda call: cancel.cancel() if call == 2 else None)
    with pytest.raises(Cancelled):
        list(beam_search(stopped, ENCODED, answer, cancel=cancel, **options))
