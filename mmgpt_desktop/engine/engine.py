"""Answers requests: a question goes in, tokens come out, then exactly one outcome."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.engine.beam import beam_search
from mmgpt_desktop.engine.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.families.spelling import TextStream
from mmgpt_desktop.engine.generate import Answer, Token, decode, run_decoder
from mmgpt_desktop.engine.job import Job
from mmgpt_desktop.engine.occlusion import Hider, Hiding, Rescorer, check, occlude
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime
from mmgpt_desktop.engine.runtime import CancelToken, Encoded, Runtime
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import AppError, Cancelled, RuntimeFailure
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    Check,
    Doubt,
    EdgeMap,
    Explanation,
    FusionInfo,
    GenerationOutcome,
    GenerationRequest,
    HeadNumbers,
    Message,
    Method,
    ModelInfo,
    PatchGrid,
    Photo,
    RuntimeInfo,
    RuntimeName,
    TokenStep,
)
from mmgpt_desktop.pixels import ImageSpec, patch_grid, prepare
from mmgpt_desktop.text import reason_of

Progress = Callable[[float, str], None]  # fraction 0..1, what is being done
RuntimeMaker = Callable[[RuntimeName, Bundle], Runtime]

ORDER = (RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU, RuntimeName.TORCH)
GRAPH = "graph"  # the fusion whose cells are a graph
NEUTRAL = "Write a general description of the image."
HIDING = Hiding.BLUR
ENCODED_KEPT = 12  # four photos by three fusions, about 30 MB
_CHECKED = 0.4  # the share of loading's progress that goes to checksums

RUNTIME_LABELS = {
    RuntimeName.ONNX_CUDA: "ONNX Runtime on the graphics card",
    RuntimeName.ONNX_CPU: "ONNX Runtime",
    RuntimeName.TORCH: "PyTorch",
}


def make_runtime(name: RuntimeName, bundle: Bundle) -> Runtime:
    """Raises RuntimeFailure if that runtime can't be had here."""
    if name is RuntimeName.TORCH:
        return TorchRuntime(bundle)
    return OnnxRuntime(bundle, name)


class _Asked(NamedTuple):
    """What an explained answer was asked with, as a runtime takes it."""

    fusion: str
    pixels: NDArray[np.float32]
    grid: PatchGrid
    prompt: tuple[int, ...]


class Engine:
    """One bundle and the runtime that runs it. All calls from one thread.

    Without a `choice` the runtimes are tried in `ORDER`, also in mid-answer; a choice is
    kept or fails. `make` is for tests.
    """

    def __init__(
        self, bundle_path: Path, choice: RuntimeName | None = None, make: RuntimeMaker | None = None
    ) -> None:
        self._path = bundle_path
        self._make = make or make_runtime
        self._forced = choice is not None
        self._untried = [choice] if choice else list(ORDER)
        self._bundle: Bundle | None = None
        self._model: ModelInfo | None = None
        self._family: MmgptFamily | None = None
        self._runtime: Runtime | None = None
        self._traced: TorchRuntime | None = None  # beside ONNX Runtime, for what it can't tell
        self._note = ""
        self._load_seconds = 0.0
        self._encoded: OrderedDict[tuple[str, str], Encoded] = OrderedDict()

    def load(
        self,
        progress: Progress = lambda _fraction, _what: None,
        cancel: CancelToken | None = None,
    ) -> ModelInfo:
        """Open the bundle and the first runtime that works.

        Raises BundleError, RuntimeFailure and Cancelled.
        """
        started = time.perf_counter()
        cancel = cancel or CancelToken()
        progress(0.0, "Checking the model's files")
        bundle = open_bundle(self._path)
        bundle.verify(lambda done: progress(done * _CHECKED, "Checking the model's files"), cancel)
        self._bundle, self._family = bundle, MmgptFamily(bundle)
        self._model = model_info(bundle)
        progress(_CHECKED, "Starting the model")
        self._start_runtime(None, cancel)
        progress(1.0, "Ready")
        self._load_seconds = time.perf_counter() - started
        return self._model

    @property
    def bundle(self) -> Bundle:
        """The opened bundle; after `load`."""
        assert self._bundle is not None
        return self._bundle

    @property
    def runtime(self) -> RuntimeInfo:
        """What really runs, with a note on a fallback; after `load`."""
        assert self._runtime is not None
        return replace(self._runtime.info, note=self._note)

    def generate(
        self,
        request: GenerationRequest,
        cancel: CancelToken,
        on_step: Callable[[TokenStep], None],
    ) -> GenerationOutcome:
        """Answer, calling `on_step` for each token; what fails becomes the outcome.

        Only exceptions of `on_step` itself pass through.
        """
        job = Job(request, self._load_seconds, time.perf_counter())
        steps = self._steps(job, cancel)
        while True:
            try:
                step = next(steps, None)
            except Cancelled:
                return self._outcome(job, "cancelled")
            except AppError as error:
                return self._outcome(job, "failed", error)
            except Exception as error:
                return self._outcome(job, "failed", _unexpected(error))
            if step is None:
                return self._outcome(job, "done")
            job.tick()
            on_step(step)

    def edges(self, photo: Photo, cancel: CancelToken) -> EdgeMap | None:
        """What a photo's cells read from one another; None if the model makes no graph.

        Encodes the photo anew. Raises RuntimeFailure and Cancelled.
        """
        assert self._runtime is not None
        spec = self.bundle.manifest.fusions.get(GRAPH)
        if spec is None:
            return None
        pixels, grid = prepare(photo, self._image_spec(spec.info))
        weights = self._runtime.edges(pixels, GRAPH, cancel)
        if weights is None:
            return None
        weights.setflags(write=False)
        return EdgeMap(weights, grid)

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
        score = self._rescorer(explanation, cancel, how)
        found = [score(mask) for mask in masks]
        shape = len(masks), len(explanation.token_ids)
        return np.exp(np.reshape(found, shape)).astype(np.float32)

    def occlude(
        self,
        explanation: Explanation,
        cancel: CancelToken,
        on_maps: Callable[[CellMaps], None],
        word: slice | None = None,
    ) -> None:
        """Find out what hiding places of the photo takes off each token's log-probability.

        `on_maps` gets maps that grow finer, the last with `done` 1; the search looks closer
        where `word` (steps of the answer) loses most, or else where all words do. Raises as
        `hidden`.
        """
        occlude(self._rescorer(explanation, cancel), on_maps, word)

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
        score = self._rescorer(explanation, cancel)
        seed = explanation.request.images[0].image_id
        return check(score, word, cells, method, seed)

    def explain(
        self,
        explanation: Explanation,
        method: Method,
        cancel: CancelToken,
        progress: Callable[[float], None],
    ) -> CellMaps:
        """The maps of ROLLOUT, RELEVANCY or TAM, through PyTorch; `progress` is told 0 to 1.

        Raises NotAvailable where the fusion has no such map, and as `hidden`.
        """
        asked = self._asked(explanation)
        weights = self._torch().explain(
            method,
            asked.pixels,
            asked.prompt,
            explanation.token_ids,
            asked.fusion,
            progress,
            cancel,
        )
        return CellMaps(method, weights, asked.grid)

    def numbers(
        self, explanation: Explanation, token: int, layer: int, head: int, cancel: CancelToken
    ) -> HeadNumbers:
        """What one head of an image layer computed for the answer's token, through PyTorch.

        Raises as `hidden`.
        """
        asked = self._asked(explanation)
        return self._torch().attention_numbers(
            asked.pixels,
            asked.prompt,
            explanation.token_ids,
            asked.fusion,
            token=token,
            layer=layer,
            head=head,
            cancel=cancel,
        )

    def neutral(
        self, photo: Photo, fusion: str | None = None, cancel: CancelToken | None = None
    ) -> AttentionMap:
        """The attention as the answer to a question that asks for nothing begins.

        Raises RuntimeFailure and Cancelled.
        """
        assert self._family is not None
        assert self._model is not None
        assert self._runtime is not None
        info, cancel = self._model.fusion_info(fusion), cancel or CancelToken()
        prompt = self._family.prompt([Message("user", NEUTRAL)], 1)
        encoded = self._encode(photo, info.name, cancel)
        result = run_decoder(
            self._runtime, prompt.token_ids, encoded, None, attention=True, cancel=cancel
        )
        attention = _attention_map(result.attention, patch_grid(photo, self._image_spec(info)))
        if attention is None:
            raise RuntimeFailure("The model's graphs don't give their attention.")
        return attention

    def close(self) -> None:
        for runtime in (self._runtime, self._traced):
            if runtime is not None:
                runtime.close()
        self._traced = None
        self._encoded.clear()

    def _outcome(
        self,
        job: Job,
        kind: Literal["done", "cancelled", "failed"],
        error: AppError | None = None,
    ) -> GenerationOutcome:
        return GenerationOutcome(
            job.request.job_id,
            kind,
            job.timings(),
            self.runtime if self._runtime is not None else None,
            error,
            tuple(job.notes),
            job.certainty,
        )

    def _steps(self, job: Job, cancel: CancelToken) -> Iterator[TokenStep]:
        cancel.raise_if_cancelled()
        assert self._family is not None
        assert self._model is not None
        family, request = self._family, job.request
        fusion = self._model.fusion_info(request.fusion)
        prompt = family.prompt(request.messages, request.sampling.max_new_tokens)
        if prompt.dropped_turns:
            job.notes.append(f"Left out for length: the first {prompt.dropped_turns} turns.")
        grid = patch_grid(job.photo, self._image_spec(fusion)) if job.photo else None
        calibration = self.bundle.manifest.certainty.temperature
        answer, text = Answer(prompt.token_ids, request.sampling, calibration), TextStream()
        for token in self._tokens(job, answer, fusion.name, cancel):
            yield TokenStep(
                request.job_id,
                len(answer.tokens) - 1,
                token.token_id,
                text.feed(family.token_bytes(token.token_id)),
                token.probability,
                _attention_map(token.attention, grid),
            )
        if (mean := answer.mean_probability) is not None:
            job.certainty = self.bundle.manifest.certainty.of(mean)

    def _tokens(
        self, job: Job, answer: Answer, fusion: str, cancel: CancelToken
    ) -> Iterator[Token]:
        """Decode; when the runtime breaks, the next one goes on from the same token."""
        assert self._family is not None
        write = beam_search if answer.sampling.beams > 1 else decode
        while True:
            assert self._runtime is not None
            try:
                job.count_as_loading(self._runtime.prepare, fusion)
                yield from write(
                    self._runtime,
                    self._encode(job.photo, fusion, cancel),
                    answer,
                    stop_ids=self._family.stop_ids,
                    context_length=self.bundle.manifest.decoder.context_length,
                    attention=job.request.attention and job.photo is not None,
                    cancel=cancel,
                )
                return
            except RuntimeFailure as failure:
                if self._forced or not self._untried:
                    raise
                self._start_runtime(failure, cancel)
                job.notes.append(self._note)

    def _encode(self, photo: Photo | None, fusion: str, cancel: CancelToken) -> Encoded:
        """Encode a photo once for all questions about it by one fusion."""
        assert self._runtime is not None
        key = (photo.image_id if photo else "", fusion)
        if key not in self._encoded:
            pixels = prepare(photo, self.bundle.manifest.image)[0] if photo else None
            self._encoded[key] = self._runtime.encode(pixels, fusion, cancel)
            if len(self._encoded) > ENCODED_KEPT:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(key)
        return self._encoded[key]

    def _rescorer(
        self, explanation: Explanation, cancel: CancelToken, how: Hiding = HIDING
    ) -> Rescorer:
        assert self._runtime is not None
        asked = self._asked(explanation)
        return Rescorer(
            self._runtime,
            asked.fusion,
            Hider(asked.pixels, asked.grid, how),
            asked.grid,
            asked.prompt,
            explanation.token_ids,
            self.bundle.manifest.certainty.temperature,
            cancel,
        )

    def _asked(self, explanation: Explanation) -> _Asked:
        assert self._family is not None
        assert self._model is not None
        request = explanation.request
        if not request.images:
            title = "This answer was given without a picture, so there is nothing to explain."
            raise AppError(title, "Ask about a picture.")
        info = self._model.fusion_info(request.fusion)
        pixels, grid = prepare(request.images[0], self._image_spec(info))
        prompt = self._family.prompt(request.messages, request.sampling.max_new_tokens)
        return _Asked(info.name, pixels, grid, prompt.token_ids)

    def _torch(self) -> TorchRuntime:
        """The runtime, if it is PyTorch, or else one beside it, made when first needed."""
        if isinstance(self._runtime, TorchRuntime):
            return self._runtime
        if self._traced is None:
            self._traced = TorchRuntime(self.bundle)
        return self._traced

    def _image_spec(self, fusion: FusionInfo) -> ImageSpec:
        """How the model wants its pictures, with the grid of a fusion."""
        return replace(self.bundle.manifest.image, rows=fusion.rows, columns=fusion.columns)

    def _start_runtime(self, failure: RuntimeFailure | None, cancel: CancelToken) -> None:
        """Go over to the next runtime that can be made; `failure` is the present one's.

        If none can, the present one stays: what broke it may pass.
        """
        while self._untried:
            cancel.raise_if_cancelled()
            name = self._untried.pop(0)
            try:
                runtime = self._make(name, self.bundle)
            except RuntimeFailure as error:
                # A computer without CUDA is an ordinary one, and no failure to speak of.
                if self._forced or name is not RuntimeName.ONNX_CUDA:
                    failure = failure or error
                continue
            self.close()
            self._runtime = runtime
            self._note = _fallback_note(name, failure)
            return
        raise failure or RuntimeFailure("No runtime is left to try.")


def model_info(bundle: Bundle) -> ModelInfo:
    manifest = bundle.manifest
    return ModelInfo(
        name=manifest.name,
        description=manifest.description,
        context_length=manifest.decoder.context_length,
        fusions=tuple(spec.info for spec in manifest.fusions.values()),
        fusion=manifest.fusion,
        doubt=Doubt(manifest.certainty.doubt, manifest.certainty.doubt_long),
        sampling=manifest.sampling,
    )


def _fallback_note(name: RuntimeName, failure: RuntimeFailure | None) -> str:
    return f"{RUNTIME_LABELS[name]} took over: {failure.title}" if failure else ""


def _attention_map(
    weights: NDArray[np.float32] | None, grid: PatchGrid | None
) -> AttentionMap | None:
    if weights is None or grid is None:
        return None
    layers, copier = weights[:-1], weights[-1]
    places = layers[:, :, : grid.cells].astype(np.float16)
    places.setflags(write=False)
    elsewhere = layers[:, :, grid.cells :].sum(axis=-1).mean()
    return AttentionMap(places, grid, float(elsewhere), float(copier[0, grid.cells :].sum()))


def _unexpected(error: Exception) -> RuntimeFailure:
    if isinstance(error, MemoryError):
        title, hint = "There is not enough memory to answer.", "Close other programs and ask again."
        failure = RuntimeFailure(title, hint)
    else:
        title = "Something unexpected happened while the model was at work ({reason})."
        failure = RuntimeFailure(title, "Ask again.", reason=reason_of(error))
    failure.__cause__ = error
    return failure
