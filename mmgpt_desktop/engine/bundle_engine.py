"""The engine of our own bundles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.engine.base import EngineBase, PreparedRequest, photos_of
from mmgpt_desktop.engine.cores import physical_cores
from mmgpt_desktop.engine.fallback import on_processor_instead
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.folder.model_files import remedy_for
from mmgpt_desktop.engine.graphics_card import find_card
from mmgpt_desktop.engine.occlusion import Hider, Hiding, Mask, Rescorer
from mmgpt_desktop.engine.onnx_runtime import OnnxRuntime, import_onnxruntime
from mmgpt_desktop.engine.pytorch import missing_torch
from mmgpt_desktop.engine.quicker import Weighed, seconds_of, weigh
from mmgpt_desktop.engine.runtime import Encoded, Runtime
from mmgpt_desktop.engine.runtime_chain import goes_over
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import RuntimeFailure
from mmgpt_desktop.honesty import Doubt, Hedge, is_many
from mmgpt_desktop.imaging.pixels import patch_grid, prepare
from mmgpt_desktop.messages import (
    AttentionMap,
    CellMaps,
    EdgeMap,
    Explanation,
    GenerationRequest,
    HeadNumbers,
    Message,
    ModelInfo,
    PatchGrid,
    Photo,
    RuntimeName,
)
from mmgpt_desktop.methods import TRACED, Method
from mmgpt_desktop.question_kinds import QuestionKind, kind_of, language_of
from mmgpt_desktop.settings import cache_path

if TYPE_CHECKING:
    from mmgpt_desktop.model.written_answer import WrittenAnswer

RuntimeMaker = Callable[[RuntimeName, Bundle], Runtime]
T = TypeVar("T")

ORDER = (RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU, RuntimeName.TORCH)
GRAPH = "graph"  # the fusion whose cells are a graph
_READS_TOKENS = "concat"  # the fusion in which the picture is further tokens of the text
_CHECKED = 0.4  # the share of loading's progress that goes to checksums


def make_runtime(name: RuntimeName, bundle: Bundle, *, card: bool = True) -> Runtime:
    """PyTorch on the processor, unless it may use the graphics card. Raises RuntimeFailure if that
    runtime can't be had here."""
    if name is RuntimeName.TORCH:
        return TorchRuntime(bundle, card=card)
    return OnnxRuntime(bundle, name)


class BundleEngine(EngineBase):
    """One bundle and the runtime that runs it. `make` is for tests."""

    bundle: Bundle
    family: MmgptFamily
    """Both from `load` on."""
    photos_kept = 12  # four photos by three fusions, about 30 MB

    def __init__(
        self, bundle_path: Path, choice: RuntimeName | None = None, make: RuntimeMaker | None = None
    ) -> None:
        super().__init__(ORDER, choice)
        self._path = bundle_path
        self._make = make
        self._weighs = make is None and choice is None
        self._traced: TorchRuntime | None = None  # beside ONNX Runtime, for what it can't tell

    def open(self, progress: Progress, cancel: CancelToken) -> None:
        bundle = open_bundle(self._path)
        bundle.verify(lambda done: progress(done * _CHECKED, "Checking the model's files"), cancel)
        with remedy_for(self._path):
            self.bundle, self.family = bundle, MmgptFamily(bundle)
        self.stop_ids = self.family.stop_ids
        self.context_length = bundle.manifest.decoder.context_length
        self.calibration = bundle.manifest.certainty.temperature
        progress(_CHECKED, "Starting the model")

    def room_wanted(self) -> tuple[int, int]:
        size = sum(entry.bytes for entry in self.bundle.manifest.files.values())
        return size, size

    def make_runtime(self, name: RuntimeName) -> Runtime:
        with remedy_for(self._path):
            make = self._make or partial(make_runtime, card=self.card)
            runtime = make(name, self.bundle)
        if name is RuntimeName.ONNX_CUDA:
            try:
                question, grey = self._try_out(runtime)
                if self._weighs:
                    self._weigh(runtime, question, grey)
            except BaseException:
                runtime.close()
                raise
        return runtime

    def describe(self) -> ModelInfo:
        return model_info(self.bundle)

    def certainty(self, mean: float, question: str) -> float | None:
        return self.bundle.manifest.certainty.of(mean, kind_of(question), language_of(question))

    def hedge(self, question: str, answer: str) -> Hedge | None:
        return Hedge.MANY if is_many(question, answer) else None

    def token_bytes(self, token_id: int) -> bytes:
        return self.family.token_bytes(token_id)

    def prepare_request(self, request: GenerationRequest) -> PreparedRequest:
        photo = self._photo(request)
        fusion = self.model.fusion_info(request.fusion)
        prompt = self.family.build_prompt(request.messages, request.sampling.max_new_tokens)
        read = None
        if photo is not None:
            read = partial(
                _attention_map, patch_grid(photo, self.bundle.manifest.image_spec(fusion.name))
            )
        return PreparedRequest(
            prompt.token_ids,
            prompt.dropped_turns,
            partial(self._encode, photo, fusion.name),
            read,
            load=lambda: self._runtime.prepare(fusion.name),
        )

    def _photo(self, request: GenerationRequest) -> Photo | None:
        """None, too, for a sentence to translate, where the model can."""
        kind = kind_of(request.messages[-1].text)
        translated = kind is QuestionKind.TRANSLATE and kind not in self.bundle.manifest.beyond
        return request.images[0] if request.images and not translated else None

    @goes_over
    def edges(self, photo: Photo, cancel: CancelToken) -> EdgeMap | None:
        manifest = self.bundle.manifest
        if GRAPH not in manifest.fusions:
            return None
        pixels, grid = prepare(photo, manifest.image_spec(GRAPH))
        weights = self._runtime.edges(pixels, GRAPH, cancel)
        if weights is None:
            return None
        weights.setflags(write=False)
        return EdgeMap(weights, grid)

    def traced(self, explanation: Explanation, method: Method, cancel: CancelToken) -> CellMaps:
        def ask(model: TorchRuntime) -> CellMaps:
            written, grid = self._written(model, explanation, cancel)
            return CellMaps(method, model.explain(method, written), grid)

        return self._asked_model(ask)

    def numbers(
        self, explanation: Explanation, token: int, layer: int, head: int, cancel: CancelToken
    ) -> HeadNumbers:
        def ask(model: TorchRuntime) -> HeadNumbers:
            written, _ = self._written(model, explanation, cancel)
            return model.attention_numbers(written, token=token, layer=layer, head=head)

        return self._asked_model(ask)

    def rescorer(self, explanation: Explanation, cancel: CancelToken, how: Hiding) -> Rescorer:
        fusion, pixels, grid, prompt = self._explained(explanation)
        hider, runtime = Hider(pixels, grid, how), self._runtime

        def encode(hidden: Mask) -> Encoded:
            encoded: Encoded = runtime.encode(hider(hidden), fusion, cancel)
            return encoded

        tokens = explanation.token_ids
        return Rescorer(runtime, encode, grid, prompt, tokens, self.calibration, cancel)

    def close(self) -> None:
        super().close()
        self._close_traced()

    def _close_traced(self) -> None:
        if self._traced is not None:
            self._traced.close()
        self._traced = None

    def _try_out(self, runtime: Runtime) -> tuple[Sequence[int], NDArray[np.float32]]:
        """Look at a grey picture and read a question, which are returned: what the card lacks
        shows only at work. Raises RuntimeFailure."""
        manifest, cancel = self.bundle.manifest, CancelToken()
        grey = np.zeros((1, 3, manifest.image.size, manifest.image.size), np.float32)
        question = self.family.build_prompt([Message("user", "?")], 1).token_ids
        encoded = runtime.encode(grey, manifest.fusion, cancel)
        runtime.decode(question, encoded, None, attention=True, cancel=cancel)
        return question, grey

    def _weigh(self, card: Runtime, question: Sequence[int], grey: NDArray[np.float32]) -> None:
        """Raises RuntimeFailure where the processor is quicker than the card."""

        def try_both() -> Weighed:
            processor = make_runtime(RuntimeName.ONNX_CPU, self.bundle)
            given = grey, question, self.bundle.manifest.fusion
            try:
                return Weighed(seconds_of(card, *given), seconds_of(processor, *given))
            finally:
                processor.close()

        card_seen = find_card()
        sums = {name: each.sha256 for name, each in self.bundle.manifest.files.items()}
        facts = (
            sums,
            card_seen and (card_seen.name, card_seen.driver),
            physical_cores(),
            import_onnxruntime().__version__,
        )
        weigh(cache_path() / "quicker", facts, try_both).refuse_slower()

    def _encode(self, photo: Photo | None, fusion: str, cancel: CancelToken) -> Encoded:
        """Encode a photo once for all questions about it by one fusion."""

        def encode() -> Encoded:
            pixels = prepare(photo, self.bundle.manifest.image_spec())[0] if photo else None
            encoded: Encoded = self._runtime.encode(pixels, fusion, cancel)
            return encoded

        return self.encoded_once((photo.image_id if photo else "", fusion), encode)

    def _explained(
        self, explanation: Explanation
    ) -> tuple[str, NDArray[np.float32], PatchGrid, tuple[int, ...]]:
        """What an answer was asked with: fusion, pixels, their grid, prompt."""
        request, photos = explanation.request, photos_of(explanation)
        fusion = self.model.fusion_info(request.fusion).name
        pixels, grid = prepare(photos[0], self.bundle.manifest.image_spec(fusion))
        prompt = self.family.build_prompt(request.messages, request.sampling.max_new_tokens)
        return fusion, pixels, grid, prompt.token_ids

    def _written(
        self, model: TorchRuntime, explanation: Explanation, cancel: CancelToken
    ) -> tuple[WrittenAnswer, PatchGrid]:
        fusion, pixels, grid, prompt = self._explained(explanation)
        return model.written(pixels, prompt, explanation.token_ids, fusion, cancel), grid

    def _asked_model(self, ask: Callable[[TorchRuntime], T]) -> T:
        """What PyTorch's model tells; on the processor, where the graphics card breaks."""
        model = self._torch()
        try:
            return ask(model)
        except RuntimeFailure as failure:
            if not model.info.on_card:
                raise
            if model is self._runtime:
                self.go_over(failure)
            else:
                self._note = self._note or on_processor_instead(failure)
            self.card = False
            self._close_traced()
        return ask(self._torch())

    def _torch(self) -> TorchRuntime:
        """The runtime, if it is PyTorch, or else one beside it, made when first needed."""
        if isinstance(self._runtime, TorchRuntime):
            return self._runtime
        if self._traced is None:
            self._traced = TorchRuntime(self.bundle, card=self.card)
        return self._traced


def model_info(bundle: Bundle) -> ModelInfo:
    manifest = bundle.manifest
    return ModelInfo(
        name=manifest.name,
        description=manifest.description,
        context_length=manifest.decoder.context_length,
        fusions=tuple(
            replace(manifest.fusion_info(name), lacks=_lacks(name)) for name in manifest.fusions
        ),
        fusion=manifest.fusion,
        doubt=Doubt(manifest.certainty.doubt, manifest.certainty.doubt_long),
        sampling=manifest.sampling,
        languages=manifest.languages,
        beyond=manifest.beyond,
    )


def _lacks(fusion: str) -> tuple[Method, ...]:
    if missing_torch() is not None:
        return TRACED
    return tuple(each for each in Method if each.about.prefix_only and fusion != _READS_TOKENS)


def _attention_map(grid: PatchGrid, weights: NDArray[np.float32]) -> AttentionMap:
    layers, copier = weights[:-1], weights[-1]
    places = layers[:, :, : grid.cells].astype(np.float16)
    places.setflags(write=False)
    elsewhere = layers[:, :, grid.cells :].sum(axis=-1).mean()
    return AttentionMap(places, grid, float(elsewhere), float(copier[0, grid.cells :].sum()))
