"""The decoding loop over a fake runtime."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.generate import Answer, Token, chance, decode, sample, softmax
from mmgpt_desktop.errors import Cancelled, RuntimeFailure
from mmgpt_desktop.messages import Sampling
from tests.fakes import ENCODED, FakeRuntime

PROMPT = (1, 50, 51, 2)
SCRIPT = (10, 11, 12, 13)
LOGITS = np.array([2.0, 1.0, 0.5, -1.0, -3.0], np.float32)


def run(
    runtime: FakeRuntime,
    answer: Answer | None = None,
    cancel: CancelToken | None = None,
    context_length: int = 100,
) -> list[Token]:
    return list(
        decode(
            runtime,
            ENCODED,
            answer or Answer(PROMPT, Sampling()),
            stop_ids={0, 1, 2, 3},
            context_length=context_length,
            attention=True,
            cancel=cancel or CancelToken(),
        )
    )


def draws(sampling: Sampling, count: int = 2000) -> Counter[int]:
    random = np.random.default_rng(sampling.seed)
    return Counter(sample(LOGITS, [], sampling, random) for _ in range(count))


def test_prefill_then_one_token_at_a_time_until_the_stop_token() -> None:
    runtime = FakeRuntime(SCRIPT)
    tokens = run(runtime)
    assert [token.token_id for token in tokens] == list(SCRIPT)
    assert runtime.fed == [list(PROMPT), [10], [11], [12], [13]]
    assert tokens[0].attention is not None
    assert tokens[0].attention.shape == (2, 2, 16)


def test_it_stops_after_max_new_tokens_without_a_useless_run() -> None:
    runtime = FakeRuntime(SCRIPT)
    assert len(run(runtime, Answer(PROMPT, Sampling(max_new_tokens=2)))) == 2
    assert len(runtime.fed) == 2


def test_it_stops_where_the_context_is_full() -> None:
    assert len(run(FakeRuntime(SCRIPT), context_length=len(PROMPT) + 3)) == 3
    assert run(FakeRuntime(SCRIPT), context_length=len(PROMPT)) == []


def test_probability_is_the_models_own_whatever_the_sampling() -> None:
    sampling = Sampling(temperature=0.1, top_k=1, repetition_penalty=3)
    (token, *_) = run(FakeRuntime((10,)), Answer(PROMPT, sampling))
    expected = np.exp(12) / (np.exp(12) + 511)
    assert token.probability == pytest.approx(expected)


def test_probability_is_calibrated_and_the_draw_is_not() -> None:
    def drawn(calibration: float) -> list[Token]:
        sampling = Sampling(temperature=4, seed=1, max_new_tokens=6)
        return run(FakeRuntime(SCRIPT), Answer(PROMPT, sampling, calibration))

    plain, cooler = drawn(1.0), drawn(2.0)
    assert [token.token_id for token in cooler] == [token.token_id for token in plain]
    assert run(FakeRuntime((10,)), Answer(PROMPT, Sampling(), 2.0))[0].probability == (
        pytest.approx(np.exp(6) / (np.exp(6) + 511))
    )


def test_certainty_is_the_geometric_mean_with_the_end() -> None:
    answer = Answer(PROMPT, Sampling())
    tokens = run(FakeRuntime(SCRIPT), answer)
    assert len(answer.probabilities) == len(tokens) + 1
    answer.probabilities = [0.9, 0.4, 0.6]
    assert answer.mean_probability == pytest.approx((0.9 * 0.4 * 0.6) ** (1 / 3))
    cut = Answer(PROMPT, Sampling(max_new_tokens=2))
    run(FakeRuntime(SCRIPT), cut)
    assert len(cut.probabilities) == 2


def test_no_token_no_certainty_and_the_impossible_has_nearly_none() -> None:
    answer = Answer(PROMPT, Sampling())
    assert run(FakeRuntime(), answer) == []
    assert (len(answer.probabilities), answer.mean_probability) == (1, None)
    answer.tokens, answer.probabilities = [5], [0.0]
    assert answer.mean_probability == pytest.approx(0)


def test_cancel_ends_it_within_one_token() -> None:
    cancel = CancelToken()
    runtime = FakeRuntime(SCRIPT, before=lambda call: cancel.cancel() if call == 2 else None)
    answer = Answer(PROMPT, Sampling())
    with pytest.raises(Cancelled):
        run(runtime, answer, cancel)
    assert answer.tokens == [10, 11]


def test_another_runtime_goes_on_from_the_same_token() -> None:
    answer = Answer(PROMPT, Sampling())
    broken, healthy = FakeRuntime(SCRIPT, fail_at=[2]), FakeRuntime(SCRIPT)
    with pytest.raises(RuntimeFailure):
        run(broken, answer)
    rest = run(healthy, answer)
    assert [token.token_id for token in rest] == [12, 13]
    assert healthy.fed[0] == [*PROMPT, 10, 11]
    assert answer.tokens == list(SCRIPT)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_a_failure(value: float) -> None:
    runtime = FakeRuntime(SCRIPT)
    real = runtime.decode

    def broken(*args: object, **options: object) -> object:
        result = real(*args, **options)  # type: ignore[arg-type]
        result.logits[7] = value
        return result

    runtime.decode = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeFailure, match="no numbers"):
        run(runtime)


def test_greedy_is_the_default_and_takes_the_likeliest() -> None:
    assert set(draws(Sampling(), 10)) == {0}


def test_temperature_draws_by_softmax() -> None:
    counts = draws(Sampling(temperature=1.0), 20_000)
    expected = softmax(LOGITS)
    for token, share in enumerate(expected):
        assert counts[token] / 20_000 == pytest.approx(share, abs=0.02)


def test_top_k_keeps_the_k_likeliest() -> None:
    assert set(draws(Sampling(temperature=1.0, top_k=2))) == {0, 1}
    assert set(draws(Sampling(temperature=9.0, top_k=99))) == {0, 1, 2, 3, 4}


def test_top_p_keeps_the_fewest_that_reach_p() -> None:
    # chances: 0.60, 0.22, 0.13, 0.03, 0.004
    assert set(draws(Sampling(temperature=1.0, top_p=0.7))) == {0, 1}
    assert set(draws(Sampling(temperature=1.0, top_p=0.5))) == {0}
    assert set(draws(Sampling(temperature=1.0, top_p=0.0))) == {0}


def test_a_seed_decides_the_draws() -> None:
    def drawn(seed: int) -> list[int]:
        random = np.random.default_rng(seed)
        sampling = Sampling(temperature=2.0)
        return [sample(LOGITS, [], sampling, random) for _ in range(40)]

    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)
    assert Answer(PROMPT, Sampling(seed=-3)).random.random() is not None


def test_repetition_penalty_lowers_what_was_written_only() -> None:
    random = np.random.default_rng(0)
    assert sample(LOGITS, [0], Sampling(repetition_penalty=4), random) == 1
    below_zero = np.array([-2.0, -3.0, -4.0], np.float32)
    assert sample(below_zero, [0, 0], Sampling(repetition_penalty=2), random) == 1
    assert sample(LOGITS, [], Sampling(repetition_penalty=4), random) == 0


def test_sampling_leaves_the_logits_as_they_are() -> None:
    before = LOGITS.copy()
    sample(
        LOGITS,
        [0],
        Sampling(temperature=0.5, top_k=2, top_p=0.5, repetition_penalty=2),
        np.random.default_rng(0),
    )
    assert (before == LOGITS).all()


def test_the_chance_of_one_token_is_its_softmax() -> None:
    wide = np.linspace(-80, 80, 50_000, dtype=np.float32)
    for scores, places in ((LOGITS, range(5)), (wide, (0, 30_000, 49_999))):
        for place in places:
            assert chance(scores, place) == pytest.approx(softmax(scores)[place], rel=1e-5)
