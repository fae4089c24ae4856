"""What every engine does: a question goes in, tokens come out, then exactly one outcome."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.attention.answer_maps import AnswerMaps, MapChoice
from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.beam import beam_search
from mmgpt_desktop.engine.chat.detokenizer import TextStream
from mmgpt_desktop.engine.generate import Answer, Token, decode, run_decoder
from mmgpt_desktop.engine.occlusion import Hiding, Rescorer, check
from mmgpt_desktop.engine.running_request import RunningRequest, unexpected_end
from mmgpt_desktop.engine.runtime_chain import RuntimeChain, goes_over
from mmgpt_desktop.errors import (
    AppError,
    Cancelled,
    NotAvailable,
    RuntimeFailure,
)
from mmgpt_desktop.honesty import Hedge, reply_to
from mmgpt_desktop.languages import unknown_language
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    EdgeMap,
    Explanation,
    Found,
    GenerationOutcome,
    GenerationRequest,
    Grounding,
    HeadNumbers,
    Message,
    ModelInfo,
    OutcomeKind,
    Photo,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method, Needs
from mmgpt_desktop.note import Note

T = TypeVar("T")

NEUTRAL = "Write a general description of the image."
HIDING = Hiding.BLUR


@dataclass(frozen=True, eq=False)
class PreparedRequest:
    """A question as a model takes it.

    `encode` gives what the present runtime decodes with; `attention` makes a map of
    `DecodeResult.attention`, None without a photo; `load` makes what that runtime needs for it,
    the first time; `ground` tells the places that a whole answer gives with its words.
    """

    token_ids: Sequence[int]
    dropped_turns: int
    encode: Callable[[CancelToken], Any]
    attention: Callable[[NDArray[np.float32]], AttentionMap] | None
    load: Callable[[], None] = lambda: None
    ground: Callable[[Sequence[int]], tuple[Grounding, ...]] = lambda _tokens: ()


class EngineBase(RuntimeChain):
    """A model and the runtime that runs it. All calls from one thread."""

    stop_ids: frozenset[int]
    context_length: int
    model: ModelInfo
    """These three from `load` on."""
    calibration = 1.0  # what logits are divided by before a probability is shown
    photos_kept = 8  # encoded ones

    def __init__(self, order: Sequence[RuntimeName], choice: RuntimeName | None) -> None:
        super().__init__(order, choice)
        self._encoded: OrderedDict[Hashable, Any] = OrderedDict()
        self._load_seconds = 0.0

    @abstractmethod
    def describe(self) -> ModelInfo:
        """The opened model, once a runtime runs it."""

    @abstractmethod
    def prepare_request(self, request: GenerationRequest) -> PreparedRequest:
        """Lay out what is asked. Raises AppError."""

    @abstractmethod
    def token_bytes(self, token_id: int) -> bytes:
        """As `Family.token_bytes`."""

    @abstractmethod
    def rescorer(self, explanation: Explanation, cancel: CancelToken, how: Hiding) -> Rescorer:
        """What scores an answer again with cells of its first photo hidden."""

    def edges(self, photo: Photo, cancel: CancelToken) -> EdgeMap | None:
        """What a photo's cells read from one another; None if the model makes no graph.

        Encodes the photo anew. Raises RuntimeFailure and Cancelled.
        """
        return None

    def traced(self, explanation: Explanation, method: Method, cancel: CancelToken) -> CellMaps:
        """The maps of a method that needs the model itself, through PyTorch.

        Raises NotAvailable where the model has no such map, and as `hidden`.
        """
        title = "This way of explaining is worked out for the app's own models only."
        raise NotAvailable(title, "Attention and occlusion can be had with every model.")

    def numbers(
        self, explanation: Explanation, token: int, layer: int, head: int, cancel: CancelToken
    ) -> HeadNumbers:
        """What one head of an image layer computed for the answer's token, through PyTorch.

        Raises NotAvailable where the model can't tell, and as `hidden`.
        """
        title = "The numbers of a head can be shown for the app's own models only."
        raise NotAvailable(title, "The head's map can be had with every model.")

    def certainty(self, mean: float, question: str) -> float | None:
        """The chance to be right, from the geometric mean of an answer's probabilities; None
        where nobody measured it."""
        return None

    def hedge(self, question: str, answer: str) -> Hedge | None:
        """Why the answer is to be doubted whatever its certainty is; None where it isn't."""
        return None

    def rest(self, cancel: CancelToken) -> None:
        """What can wait until nobody asks for anything. Raises AppError and Cancelled."""

    def forget(self) -> None:
        """Drop what was computed of photos: its runtime is closed, or its owner gone."""
        self._encoded.clear()

    def encoded_once(self, key: Hashable, encode: Callable[[], T]) -> T:
        """What a runtime made of a photo, kept for all questions about it."""
        if key not in self._encoded:
            self._encoded[key] = encode()
            if len(self._encoded) > self.photos_kept:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(key)
        found: T = self._encoded[key]
        return found

    def load(
        self,
        progress: Progress = lambda _fraction, _what: None,
        cancel: CancelToken | None = None,
        make_room: Callable[[], None] = lambda: None,
    ) -> ModelInfo:
        """Open the model and the first runtime that works.

        `make_room` is called first where there is too little free memory: it may close what else
        is loaded. Raises BundleError, RuntimeFailure and Cancelled.
        """
        started = time.perf_counter()
        self.start(progress, cancel or CancelToken(), make_room)
        self.model = self.describe()
        progress(1.0, "Ready")
        self._load_seconds = time.perf_counter() - started
        return self.model

    def generate(
        self,
        request: GenerationRequest,
        cancel: CancelToken,
        on_step: Callable[[TokenStep], None],
    ) -> GenerationOutcome:
        """Answer, calling `on_step` for each token; what fails becomes the outcome.

        Only exceptions of `on_step` itself pass through.
        """
        running = RunningRequest(request, self._load_seconds, time.perf_counter())
        steps = self._steps(running, cancel)
        while True:
            try:
                step = next(steps, None)
            except Cancelled:
                return self._outcome(running, "cancelled")
            except AppError as error:
                return self._outcome(running, "failed", error)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic in a Rust library is no Exception
                return self._outcome(running, "failed", unexpected_end(error))
            if step is None:
                return self._outcome(running, "done")
            running.tick()
            on_step(step)

    @goes_over
    def hidden(
        self,
        explanation: Explanation,
        masks: NDArray[np.bool_],
        cancel: CancelToken,
        how: Hiding = HIDING,
    ) -> NDArray[np.float32]:
        """Each token's probability while cells are hidden, as in `TokenStep`: [n, token].

        `masks` [n, row, column] are True where a cell is hidden. Raises AppError without a
        photo, RuntimeFailure and Cancelled.
        """
        score = self.rescorer(explanation, cancel, how)
        found = [score(mask) for mask in masks]
        shape = len(masks), len(explanation.token_ids)
        return np.exp(np.reshape(found, shape)).astype(np.float32)

    def explain(
        self,
        explanation: Explanation,
        method: Method,
        cancel: CancelToken,
        on_found: Callable[[Found], None],
        word: slice | None = None,
    ) -> None:
        """Find out what `method` needs beside the attention that came with the answer, see `Needs`.

        `on_found` gets the maps, or the attention to a neutral question; nothing where nothing
        more is needed. A search gives maps that grow finer, the last with `done` 1; it looks
        closer where `word` (steps of the answer) loses most, or else where all words do. Raises
        as `traced`.
        """
        match method.about.needs:
            case Needs.NEUTRAL:
                request = explanation.request
                on_found(self.neutral(request.images[0], request.fusion, cancel))
            case Needs.MODEL:
                on_found(self.traced(explanation, method, cancel))
            case Needs.RESCORING:
                self._search(explanation, method, cancel, on_found, word)

    @goes_over
    def _search(
        self,
        explanation: Explanation,
        method: Method,
        cancel: CancelToken,
        on_found: Callable[[Found], None],
        word: slice | None,
    ) -> None:
        """With the next runtime it begins anew: drops between two runtimes mean nothing."""
        score = self.rescorer(explanation, cancel, HIDING)
        for maps, done in method.formula(score, word):
            on_found(CellMaps(method, _frozen(maps), score.grid, done))

    def find_maps(
        self,
        explanation: Explanation,
        choice: MapChoice,
        attention: tuple[AttentionMap, ...],
        cancel: CancelToken | None = None,
    ) -> CellMaps:
        """A map for each token of an answer; `attention` came with it, one a token for a method
        that is made of it.

        Raises as `explain`. The window does the same in two steps: the engine finds out once what
        the method needs, and maps are made of that (`AnswerMaps`) anew whenever other heads are
        chosen.
        """
        found: list[Found] = []
        self.explain(explanation, choice.method, cancel or CancelToken(), found.append)
        return AnswerMaps(choice, attention, found[-1] if found else None).maps

    @goes_over
    def check(
        self,
        explanation: Explanation,
        word: slice,
        cells: NDArray[np.float32],
        method: Method,
        cancel: CancelToken,
    ) -> Check:
        """Does the word need the places where `method`'s map `cells` [row, column] is strongest?

        The same photo has the same random places. Raises as `hidden`.
        """
        score = self.rescorer(explanation, cancel, HIDING)
        seed = explanation.request.images[0].image_id
        return check(score, word, cells, method, seed)

    @goes_over
    def neutral(
        self, photo: Photo, fusion: str | None = None, cancel: CancelToken | None = None
    ) -> AttentionMap:
        """The attention as the answer to a question that asks for nothing begins.

        Raises RuntimeFailure and Cancelled.
        """
        cancel = cancel or CancelToken()
        question, sampling = (Message("user", NEUTRAL),), Sampling(max_new_tokens=1)
        prepared = self.prepare_request(
            GenerationRequest(0, (photo,), question, sampling, fusion=fusion)
        )
        encoded = prepared.encode(cancel)
        result = run_decoder(
            self._runtime, prepared.token_ids, encoded, None, attention=True, cancel=cancel
        )
        if result.attention is None or prepared.attention is None:
            raise NotAvailable("The model's graphs don't give their attention.")
        return prepared.attention(result.attention)

    def _outcome(
        self,
        running: RunningRequest,
        kind: OutcomeKind,
        error: AppError | None = None,
    ) -> GenerationOutcome:
        runtime = self.runtime if self._runtime is not None else None
        return running.outcome(kind, runtime, error)

    def _steps(self, running: RunningRequest, cancel: CancelToken) -> Iterator[TokenStep]:
        cancel.raise_if_cancelled()
        request = running.request
        model, question = self.model, request.messages[-1].text
        if (problem := unknown_language(question, model.languages, model.name)) is not None:
            raise problem
        reply = reply_to(question, model.beyond, picture=bool(request.images))
        if reply is not None and not request.anyway:
            running.reply = reply
            return
        prepared = self.prepare_request(request)
        if prepared.dropped_turns:
            template = "Left out for length: the first {count} turns."
            running.notes.append(Note(template, {"count": prepared.dropped_turns}))
        answer = Answer(prepared.token_ids, request.sampling, self.calibration)
        text = TextStream()
        for token in self._tokens(running, answer, prepared, cancel):
            looked = token.attention
            yield TokenStep(
                request.job_id,
                len(answer.tokens) - 1,
                token.token_id,
                text.feed(self.token_bytes(token.token_id)),
                token.probability,
                prepared.attention(looked) if looked is not None and prepared.attention else None,
            )
        said = b"".join(map(self.token_bytes, answer.tokens)).decode(errors="replace")
        running.hedge = Hedge.GUESS if reply is not None else self.hedge(question, said)
        if running.hedge is None and (mean := answer.mean_probability) is not None:
            running.certainty = self.certainty(mean, question)
        running.groundings = prepared.ground(answer.tokens)

    def _tokens(
        self,
        running: RunningRequest,
        answer: Answer,
        prepared: PreparedRequest,
        cancel: CancelToken,
    ) -> Iterator[Token]:
        """Decode; when the runtime breaks, the next one goes on from the same token."""
        write = beam_search if answer.sampling.beams > 1 else decode
        while True:
            try:
                running.count_as_loading(prepared.load)
                yield from write(
                    self._runtime,
                    prepared.encode(cancel),
                    answer,
                    stop_ids=self.stop_ids,
                    context_length=self.context_length,
                    attention=running.request.attention and prepared.attention is not None,
                    cancel=cancel,
                )
                return
            except RuntimeFailure as failure:
                self.go_over(failure)
                running.notes.append(self._note)


def photos_of(explanation: Explanation) -> tuple[Photo, ...]:
    """At least one. Raises AppError."""
    if not explanation.request.images:
        title = "This answer was given without a picture, so there is nothing to explain."
        raise AppError(title, "Ask about a picture.")
    return explanation.request.images


def _frozen(maps: NDArray[np.floating]) -> NDArray[np.float32]:
    weights = maps.astype(np.float32)
    weights.setflags(write=False)
    return weights
