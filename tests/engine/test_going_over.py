"""A graphics card that fails, at load and in each call: the processor answers, and says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.runtime import DecodeResult, Encoded, Runtime
from mmgpt_desktop.errors import CardFailure, NoCard, RuntimeFailure
from mmgpt_desktop.messages import (
    Explanation,
    GenerationRequest,
    Message,
    Photo,
    RuntimeInfo,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from tests.fakes import FakeRuntime, FoundMaps, make_photo
from tests.tiny_bundle import ANSWER, ROWS

CUDA, CPU, TORCH = RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU, RuntimeName.TORCH
SAID = "ONNX Runtime took over: The card crashed."
FAILURE = CardFailure("The card crashed.", "Start again.")


class Card(FakeRuntime):
    """Answers `left` calls more, and none after that."""

    def __init__(self, script: Sequence[int], left: int = 1000, failure: Any = FAILURE) -> None:
        super().__init__(script, name=CUDA)
        self.left, self._crash = left, failure

    def encode(
        self, pixels: NDArray[np.float32] | None, fusion: str, cancel: CancelToken
    ) -> Encoded:
        self._count()
        return super().encode(pixels, fusion, cancel)

    def edges(
        self, pixels: NDArray[np.float32], fusion: str, cancel: CancelToken
    ) -> NDArray[np.float32] | None:
        self._count()
        return super().edges(pixels, fusion, cancel)

    def decode(
        self,
        token_ids: Sequence[int],
        encoded: Encoded,
        cache: Any | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        self._count()
        return super().decode(token_ids, encoded, cache, attention=attention, cancel=cancel)

    def score(
        self, token_ids: Sequence[int], encoded: Encoded, cancel: CancelToken
    ) -> NDArray[np.float32]:
        self._count()
        return super().score(token_ids, encoded, cancel)

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise self._crash


class Machine:
    """A computer with these runtimes; what is None can't be had, for a reason of its own."""

    def __init__(
        self,
        card: FakeRuntime | RuntimeFailure,
        cpu: FakeRuntime | RuntimeFailure,
        torch: FakeRuntime | RuntimeFailure | None = None,
    ) -> None:
        self.has = {CUDA: card, CPU: cpu, TORCH: torch or RuntimeFailure("No PyTorch.")}
        self.asked: list[RuntimeName] = []

    def __call__(self, name: RuntimeName, bundle: Bundle) -> Runtime:
        self.asked.append(name)
        found = self.has[name]
        if isinstance(found, RuntimeFailure):
            raise found
        return found


@pytest.fixture
def script(tiny_bundle: Path) -> tuple[int, ...]:
    prompt = MmgptFamily(open_bundle(tiny_bundle)).build_prompt([Message("user", ANSWER)], 10)
    return prompt.token_ids[1:-1]


@pytest.fixture
def explanation(script: tuple[int, ...]) -> Explanation:
    return Explanation(request(), script)


def request(photo: Photo | None = None) -> GenerationRequest:
    photo = photo or make_photo(64, 48)
    return GenerationRequest(1, (photo,), (Message("user", "A dog?"),), Sampling())


def loaded(path: Path, machine: Machine, choice: RuntimeName | None = None) -> BundleEngine:
    engine = BundleEngine(path, choice, machine)
    engine.load()
    return engine


def _maps(engine: BundleEngine, what: Explanation) -> Any:
    found = FoundMaps()
    engine.explain(what, Method.OCCLUSION, CancelToken(), found.take)
    assert found[-1].done == 1
    return found[-1].weights


def _found(engine: BundleEngine, what: Explanation) -> Any:
    found: list[Any] = []
    engine.explain(what, Method.RELATIVE, CancelToken(), found.append)
    (attention,) = found
    return attention.weights


CELLS = np.zeros((ROWS, ROWS), np.float32)
CALLS: dict[str, Callable[[BundleEngine, Explanation], Any]] = {
    "edges": lambda engine, what: engine.edges(what.request.images[0], CancelToken()),
    "neutral": lambda engine, what: engine.neutral(what.request.images[0]),
    "explain by a neutral question": _found,
    "explain by hiding": _maps,
    "hidden": lambda engine, what: engine.hidden(what, CELLS[None] > 0, CancelToken()),
    "check": lambda engine, what: engine.check(
        what, slice(0, 1), CELLS, Method.HEADS, CancelToken()
    ),
}


def same(one: Any, other: Any) -> bool:
    weights = (getattr(each, "weights", each) for each in (one, other))
    return bool(np.all(np.equal(*weights)))


RUNS = {"edges": 1, "check": 6, "explain by hiding": 20}  # of the model, at least; others: 2
MOMENTS = [(call, left) for call in CALLS for left in {0, RUNS.get(call, 2) - 1}]


@pytest.mark.parametrize(("call", "left"), MOMENTS)
def test_a_call_is_done_again_by_the_processor(
    tiny_bundle: Path, script: tuple[int, ...], explanation: Explanation, call: str, left: int
) -> None:
    card, cpu = Card(script), FakeRuntime(script)
    machine = Machine(card, cpu)
    engine, alone = loaded(tiny_bundle, machine), FakeRuntime(script)
    assert engine.runtime.runtime is CUDA
    card.left = left
    expected = CALLS[call](loaded(tiny_bundle, Machine(NoCard("None."), alone)), explanation)
    assert same(CALLS[call](engine, explanation), expected)
    assert (engine.runtime.runtime, str(engine.runtime.note)) == (CPU, SAID)
    assert card.closed
    CALLS[call](engine, explanation)
    outcome = engine.generate(request(), CancelToken(), lambda step: None)
    assert (outcome.kind, outcome.notes) == ("done", ()), "it was said already"
    assert machine.asked == [CUDA, CPU], "the card is left alone until the next load"
    loaded(tiny_bundle, machine)
    assert machine.asked[2] is CUDA


@pytest.mark.parametrize("left", [0, 1, 2, 5])
def test_an_answer_goes_on_with_one_outcome_and_one_sentence(
    tiny_bundle: Path, script: tuple[int, ...], left: int
) -> None:
    card = Card(script)
    engine = loaded(tiny_bundle, Machine(card, FakeRuntime(script)))
    card.left, words = left, list[str]()
    outcome = engine.generate(request(), CancelToken(), lambda step: words.append(step.text))
    assert ("".join(words), outcome.kind) == (ANSWER, "done")
    assert [*map(str, outcome.notes)] == [SAID]
    assert outcome.runtime == engine.runtime


@pytest.mark.parametrize("call", CALLS)
def test_what_no_runtime_can_do_fails_with_the_first_reason(
    tiny_bundle: Path, script: tuple[int, ...], explanation: Explanation, call: str
) -> None:
    card = Card(script, failure=RuntimeFailure("It broke."))
    machine = Machine(card, RuntimeFailure("No processor."))
    for choice in (None, CUDA):
        card.left = 1000
        engine = loaded(tiny_bundle, machine, choice)
        card.left = 0
        with pytest.raises(RuntimeFailure, match=r"It broke\."):
            CALLS[call](engine, explanation)
        assert engine.runtime.runtime is CUDA, "what broke it may pass"


@pytest.mark.parametrize("left", [0, 1])
def test_a_card_that_fails_at_the_first_picture_is_found_at_load(
    tiny_bundle: Path, script: tuple[int, ...], left: int
) -> None:
    """A missing cuDNN loads, and the first convolution fails."""
    card = Card(script, left)
    engine = loaded(tiny_bundle, Machine(card, FakeRuntime(script)))
    assert (engine.runtime.runtime, str(engine.runtime.note)) == (CPU, SAID)
    assert card.closed
    with pytest.raises(CardFailure):
        loaded(tiny_bundle, Machine(Card(script, left), FakeRuntime(script)), CUDA)


def test_a_card_that_cant_be_used_is_said_and_none_is_not(
    tiny_bundle: Path, script: tuple[int, ...]
) -> None:
    engine = loaded(tiny_bundle, Machine(FAILURE, FakeRuntime(script)))
    assert (engine.runtime.runtime, str(engine.runtime.note)) == (CPU, SAID)
    engine = loaded(tiny_bundle, Machine(NoCard("None."), FakeRuntime(script)))
    assert not engine.runtime.note


def test_a_card_is_not_blamed_for_the_processor(tiny_bundle: Path, script: tuple[int, ...]) -> None:
    broken = RuntimeFailure("A graph is damaged.")
    engine = loaded(tiny_bundle, Machine(FAILURE, broken, FakeRuntime(script, name=TORCH)))
    assert str(engine.runtime.note) == "PyTorch took over: A graph is damaged."
    with pytest.raises(RuntimeFailure, match="damaged"):
        loaded(tiny_bundle, Machine(FAILURE, broken))


class TorchCard(Card):
    """PyTorch on a graphics card, which answers `left` calls more."""

    def __init__(self, script: Sequence[int], left: int, failure: Any = FAILURE) -> None:
        super().__init__(script, left, failure)
        self.info = RuntimeInfo(TORCH, "cuda", precision="bf16")


class Places(Machine):
    """PyTorch on the card once, and then on the processor."""

    def __init__(self, card: FakeRuntime, processor: FakeRuntime) -> None:
        super().__init__(NoCard("No card."), RuntimeFailure("No ONNX Runtime."))
        self._torch = [card, processor]

    def __call__(self, name: RuntimeName, bundle: Bundle) -> Runtime:
        if name is TORCH:
            self.asked.append(name)
            return self._torch.pop(0)
        return super().__call__(name, bundle)


@pytest.mark.parametrize("choice", [None, TORCH])
@pytest.mark.parametrize("left", [0, 1, 3])
def test_pytorch_goes_on_without_the_card(
    tiny_bundle: Path, script: tuple[int, ...], left: int, choice: RuntimeName | None
) -> None:
    """PyTorch is still PyTorch, so a choice of it is kept."""
    card, processor = TorchCard(script, left), FakeRuntime(script, name=TORCH)
    engine = loaded(tiny_bundle, Places(card, processor), choice)
    assert engine.card
    steps: list[TokenStep] = []
    outcome = engine.generate(request(), CancelToken(), steps.append)
    assert (outcome.kind, outcome.error) == ("done", None)
    assert tuple(step.token_id for step in steps) == script
    said = "PyTorch on the processor took over: The card crashed."
    assert [str(note) for note in outcome.notes] == [said]
    assert str(engine.runtime.note) == said
    assert card.closed
    assert not engine.card


def test_numbers_that_are_none_are_tried_on_the_processor(
    tiny_bundle: Path, script: tuple[int, ...]
) -> None:
    """As a model that was made for bfloat16 gives them in float16."""
    card, processor = TorchCard(script, 1000), FakeRuntime(script, name=TORCH)
    card.breaks = True
    engine = loaded(tiny_bundle, Places(card, processor), TORCH)
    outcome = engine.generate(request(), CancelToken(), lambda _step: None)
    assert outcome.kind == "done"
    assert "arithmetic broke" in str(engine.runtime.note)


def test_pytorch_on_the_processor_has_nowhere_to_go(
    tiny_bundle: Path, script: tuple[int, ...]
) -> None:
    card, processor = TorchCard(script, 0), FakeRuntime(script, name=TORCH, fail_at=[0])
    engine = loaded(tiny_bundle, Places(card, processor), TORCH)
    outcome = engine.generate(request(), CancelToken(), lambda _step: None)
    assert outcome.kind == "failed"
    assert outcome.error is not None
    assert outcome.error.title == "The fake runtime broke."
