"""The engine of public models: a transformers checkpoint, or ONNX graphs beside its settings."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.cancel import CancelToken, Progress
from mmgpt_desktop.decoding import Mistake
from mmgpt_desktop.engine.base import (
    EngineBase,
    PreparedRequest,
    photos_of,
)
from mmgpt_desktop.engine.chat.family import Family
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs, Prompt
from mmgpt_desktop.engine.fallback import took_over
from mmgpt_desktop.engine.families.registry import (
    checkpoint_onnx,
    checkpoint_torch,
    family_of,
    settings_used,
)
from mmgpt_desktop.engine.folder.bundle import Certainty, head_choice
from mmgpt_desktop.engine.folder.checkpoint import (
    Checkpoint,
    has_weights,
    open_checkpoint,
    read_checkpoint,
)
from mmgpt_desktop.engine.folder.layouts import (
    CARD_PRECISIONS,
    PRECISIONS,
    GraphFiles,
    find_graphs,
    fitting_graphs,
    is_graphs,
    verify_graphs,
)
from mmgpt_desktop.engine.folder.measured import ModelFacts, read_facts
from mmgpt_desktop.engine.folder.model_files import MANIFEST, read_object, remedy_for
from mmgpt_desktop.engine.generate import Answer, decode
from mmgpt_desktop.engine.head_choice import HeadReport, load_choice, save_choice, score_heads
from mmgpt_desktop.engine.memory import (
    BESIDE,
    free_memory,
    free_with_card,
    require_card_memory,
    require_memory,
)
from mmgpt_desktop.engine.occlusion import Hiding, Mask, PhotoHider, Rescorer
from mmgpt_desktop.engine.onnx_runtime import wants_cuda
from mmgpt_desktop.engine.runtime_chain import goes_over
from mmgpt_desktop.engine.scenes import Scene, compose
from mmgpt_desktop.errors import AppError, BundleError, RuntimeFailure
from mmgpt_desktop.honesty import Doubt, Hedge, is_many
from mmgpt_desktop.messages import (
    AttentionMap,
    Explanation,
    FusionInfo,
    GenerationRequest,
    HeadChoice,
    Message,
    ModelInfo,
    PatchGrid,
    Photo,
    RuntimeName,
    Sampling,
)
from mmgpt_desktop.methods import TRACED
from mmgpt_desktop.note import Note
from mmgpt_desktop.question_kinds import BEYOND, WITHOUT_PICTURE, kind_of, language_of
from mmgpt_desktop.settings import cache_path

RuntimeMaker = Callable[[RuntimeName, Checkpoint], Any]

LONGEST_ANSWER = 256
SCENES_AT_REST, SCENE_TOKENS = 9, 4
_WEIGHTS = (".safetensors", ".onnx", ".onnx_data", ".data")
ALL_HEADS = Note(
    "All heads of all layers: which of them tell most was not measured for this model."
)


def make_runtime(
    name: RuntimeName, checkpoint: Checkpoint, *, broken: Collection[Path] = (), card: bool = True
) -> Any:
    """Without the graphs that are `broken`; PyTorch on the processor, unless it may use the
    graphics card. Raises RuntimeFailure if that runtime can't be had here, BundleError if none
    can."""
    if name is RuntimeName.TORCH:
        whole = checkpoint if checkpoint.weights else open_checkpoint(checkpoint.path)
        return checkpoint_torch(whole, card=card)
    try:
        cuda = wants_cuda(name)
        order = CARD_PRECISIONS if cuda else PRECISIONS
        room = (free_with_card() if cuda else free_memory()) - BESIDE
        files = fitting_graphs(checkpoint.path, room, broken, order)
        require_memory(files.bytes)
        if cuda:
            require_card_memory(files.bytes)
        return checkpoint_onnx(checkpoint, name, files=files)
    except BundleError as bad:
        if not has_weights(checkpoint.path):
            raise
        failure = RuntimeFailure(bad.title_template, bad.hint_template, **bad.values)
        failure.file = bad.file
        raise failure from bad


class CheckpointEngine(EngineBase):
    """A public model and the runtime that runs it. `make` is for tests."""

    checkpoint: Checkpoint
    family: Family
    facts: ModelFacts
    """All from `load` on."""

    def __init__(
        self, folder: Path, choice: RuntimeName | None = None, make: RuntimeMaker | None = None
    ) -> None:
        self.path, self._graphs = folder, is_graphs(folder)
        super().__init__(self._order(), choice)
        self._broken = set[Path]()  # graphs that the runtime now being made could not use
        self._make = make

    def open(self, progress: Progress, cancel: CancelToken) -> None:
        with remedy_for(self.path):
            if self._graphs:
                checked = "Checking the model's files"
                verify_graphs(self.path, lambda done: progress(0.1 * done, checked), cancel)
            self.checkpoint = (read_checkpoint if self._graphs else open_checkpoint)(self.path)
            self.family, self._trial = tried_family(self.checkpoint)
            self.facts = read_facts(self.path)
        if self.facts.certainty:
            self.calibration = self.facts.certainty.temperature
        self.stop_ids = self.family.stop_ids
        self.context_length = self.family.context_length
        progress(0.1, "Starting the model")

    def room_wanted(self) -> tuple[int, int]:
        if not self._graphs:
            count = self.checkpoint.parameters
            return 4 * count, 2 * count
        with suppress(BundleError):  # which the runtime will say, or do without the graphs
            size = find_graphs(self.path).bytes
            return size, size
        return 0, 0

    def make_runtime(self, name: RuntimeName) -> Any:
        """Where a graph is of no use, the next of another precision is tried."""
        self._broken.clear()
        first: AppError | None = None
        while True:
            try:
                runtime = self._tried(name)
            except (RuntimeFailure, BundleError) as failure:
                first = first or failure
                if failure.file is None or failure.file in self._broken:
                    raise self._without_weights(first) from first.__cause__
                self._broken.add(failure.file)
            else:
                if first:
                    used = _used_instead(runtime.files, self._broken)
                    runtime.info = replace(runtime.info, note=took_over(used, first))
                return runtime

    def _without_weights(self, failure: AppError) -> AppError:
        """It is no good to be told to use PyTorch where there is nothing for it."""
        if failure.hint_template == "Use PyTorch." and not has_weights(self.path):
            failure.hint_template = "Choose another model."
        return failure

    def _tried(self, name: RuntimeName) -> Any:
        """Look at a grey picture and read a question without one: graphs that don't fit say so
        now, while the model before this one is still there. Raises as `make_runtime`."""
        make = self._make or partial(make_runtime, broken=self._broken, card=self.card)
        runtime, cancel = make(name, self.checkpoint), CancelToken()
        if name is RuntimeName.TORCH:
            return runtime
        try:
            runtime.encode(self._trial, cancel)
            prompt = self.family.build_prompt([Message("user", "?")], [], 1)
            runtime.decode(prompt.token_ids, Context(prompt), None, attention=True, cancel=cancel)
        except BaseException:
            runtime.close()
            raise
        return runtime

    def describe(self) -> ModelInfo:
        layers, heads = self._runtime.attention_shape
        choice = self._known_choice() or HeadChoice((), ALL_HEADS)
        fusion = FusionInfo(self.family.fusion, layers, heads, 0, 0, choice, TRACED)
        return ModelInfo(
            name=self.checkpoint.name,
            description=self.facts.description,
            context_length=self.context_length,
            fusions=(fusion,),
            fusion=fusion.name,
            doubt=_doubt(self.facts.certainty),
            sampling=Sampling(max_new_tokens=LONGEST_ANSWER),
            sequences=self.family.sequences,
            languages=self.facts.languages,
            beyond=self.facts.beyond,
        )

    def certainty(self, mean: float, question: str) -> float | None:
        measured, kind = self.facts.certainty, kind_of(question)
        if measured is None or kind in BEYOND:
            return None
        return measured.of(mean, kind, language_of(question))

    def hedge(self, question: str, answer: str) -> Hedge | None:
        measured = self.facts.certainty is not None
        return Hedge.MANY if measured and is_many(question, answer) else None

    def token_bytes(self, token_id: int) -> bytes:
        return self.family.token_bytes(token_id)

    def prepare_request(self, request: GenerationRequest) -> PreparedRequest:
        photos, tiled = self._photos(request), request.tiled
        images = [self.family.preprocess(photo, tiled=tiled) for photo in photos]
        prompt = self.family.build_prompt(request.messages, images, request.sampling.max_new_tokens)

        encoded: list[Context] = []  # the present one

        def encode(cancel: CancelToken) -> Context:
            encoded[:] = [self._context(prompt, photos, images, tiled, cancel)]
            return encoded[0]

        def read(weights: NDArray[np.float32]) -> AttentionMap:
            return attention_maps(weights, encoded[0], [photo.image_id for photo in photos])

        return PreparedRequest(
            prompt.token_ids,
            prompt.dropped_turns,
            encode,
            read if images else None,
            ground=lambda tokens: self.family.groundings(tokens, images),
        )

    def _photos(self, request: GenerationRequest) -> Sequence[Photo]:
        """None for a model of ours that is asked for what no picture is needed for, and has an
        answer to that."""
        kind = kind_of(request.messages[-1].text)
        blind = self.facts.certainty is not None and kind in WITHOUT_PICTURE
        return () if blind and kind not in self.facts.beyond else request.images

    def rescorer(self, explanation: Explanation, cancel: CancelToken, how: Hiding) -> Rescorer:
        request, family, runtime = explanation.request, self.family, self._runtime
        photos = photos_of(explanation)
        photo = photos[0]
        images = [family.preprocess(each, tiled=request.tiled) for each in photos]
        prompt = family.build_prompt(request.messages, images, request.sampling.max_new_tokens)
        known = self._context(prompt, photos, images, request.tiled, cancel).features
        hider = PhotoHider(photo, images[0].grid, how)
        hides = [each.image_id == photo.image_id for each in photos]

        def encode(hidden: Mask) -> Context:
            covered = family.preprocess(hider(hidden), tiled=request.tiled)
            found = runtime.encode(covered, cancel)
            views = (covered if hide else each for hide, each in zip(hides, images, strict=True))
            features = (found if hide else each for hide, each in zip(hides, known, strict=True))
            return Context(prompt, tuple(views), tuple(features))

        ids, tokens = prompt.token_ids, explanation.token_ids
        return Rescorer(runtime, encode, images[0].grid, ids, tokens, 1.0, cancel)

    def rest(self, cancel: CancelToken) -> None:
        """Find out which heads look at what they are asked about, once for a model on this
        computer; they are shown from the next time on that it is opened."""
        if self._known_choice() is None:
            scenes = map(compose, range(SCENES_AT_REST))
            save_choice(_choice_file(self.path), self.score_heads(scenes, cancel).choice())

    def score_heads(
        self,
        scenes: Iterable[Scene],
        cancel: CancelToken,
        on_scene: Callable[[int], None] = lambda _done: None,
    ) -> HeadReport:
        """Ask about composed pictures. Raises as `head_choice.score_heads`, and Cancelled."""
        kept, runtime = self._encoded.copy(), self._runtime
        try:
            return score_heads(partial(self._looks, cancel), scenes, on_scene)
        finally:
            # of the user's photos, unless another runtime took over
            self._encoded = kept if self._runtime is runtime else OrderedDict()

    @goes_over
    def _looks(self, cancel: CancelToken, photo: Photo, question: str) -> list[AttentionMap]:
        """Where the first words of an answer look."""
        messages = (Message("user", question),)
        sampling = Sampling(max_new_tokens=SCENE_TOKENS, temperature=0)
        prepared = self.prepare_request(GenerationRequest(0, (photo,), messages, sampling))
        tokens = decode(
            self._runtime,
            prepared.encode(cancel),
            Answer(prepared.token_ids, sampling),
            stop_ids=(),
            context_length=self.context_length,
            attention=True,
            cancel=cancel,
        )
        read = prepared.attention
        assert read  # of a photo
        return [read(token.attention) for token in tokens if token.attention is not None]

    def _known_choice(self) -> HeadChoice | None:
        layers, heads = self._runtime.attention_shape
        exported = exported_choice(self.path, layers, heads)
        return exported or load_choice(_choice_file(self.path), layers, heads)

    def _order(self) -> list[RuntimeName]:
        """Graphs where there are some, and PyTorch where there are weights for it."""
        graphs = [RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU] if self._graphs else []
        return graphs + ([RuntimeName.TORCH] if not graphs or has_weights(self.path) else [])

    def _context(
        self,
        prompt: Prompt,
        photos: Sequence[Photo],
        images: Sequence[ImageInputs],
        tiled: bool,
        cancel: CancelToken,
    ) -> Context:
        """With each photo encoded once for all questions about it."""
        encode = self._runtime.encode
        features = tuple(
            self.encoded_once((photo.image_id, tiled), partial(encode, each, cancel))
            for photo, each in zip(photos, images, strict=True)
        )
        return Context(prompt, tuple(images), features)


def tried_family(checkpoint: Checkpoint) -> tuple[Family, ImageInputs]:
    """A model's rules, and a grey picture as it takes one: settings that don't fit say so before
    a model is loaded. Raises BundleError."""
    with settings_used(checkpoint):
        family = family_of(checkpoint)
        grey = Photo(np.full((64, 64, 3), 128, np.uint8), "trial", "trial")
        inputs = family.preprocess(grey)
        family.build_prompt([Message("user", "?")], [inputs], 1)
        if inputs.tokens < 1 or inputs.grid.cells < 1:
            raise ValueError("no part of a picture is read")
        return family, inputs


def _doubt(certainty: Certainty | None) -> Doubt:
    return Doubt(certainty.doubt, certainty.doubt_long) if certainty else Doubt(0.0, 0.0)


def _used_instead(files: GraphFiles, broken: Collection[Path]) -> str:
    """The names of the graphs that stand where others could not be used."""
    parts = {file.name.split(".")[0].split("_")[0] for file in broken}
    used = (files.vision, files.embeddings, files.decoder)
    found = [file.name for file in used if file.name.split(".")[0].split("_")[0] in parts]
    return ", ".join(found or [files.decoder.name])


def exported_choice(folder: Path, layers: int, heads: int) -> HeadChoice | None:
    """What an export's manifest says; None where its heads were never measured."""
    try:
        choice = head_choice(read_object(folder / MANIFEST)["attention"], layers, heads)
    except (BundleError, LookupError, Mistake):  # nobody's, or a stranger's
        return None
    return None if choice.how == ALL_HEADS else choice


def _choice_file(folder: Path) -> Path:
    """Where this computer keeps what it learnt of a model: by its files' names and sizes,
    and by when they were written, since models learnt from one base differ in nothing else."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in _WEIGHTS)
    found = [(path.name, path.stat()) for path in files]
    known = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    return cache_path() / "heads" / f"{digest}.json"


def attention_maps(
    weights: NDArray[np.float32], context: Context, image_ids: Sequence[str]
) -> AttentionMap:
    """Of `DecodeResult.attention` [layer, head, image token]: the first photo's map, with the
    others in it. A token's weight goes to the patches that it read, and theirs to the cells
    that they cover; what covers no cell is `elsewhere`. A photo that stands in several places
    has one map: what it got in all of them."""
    ends = np.cumsum([each.tokens for each in context.images])
    parts = np.split(weights, ends[:-1], axis=-1)
    indices: dict[str, list[int]] = {}
    for index, image_id in enumerate(image_ids):
        indices.setdefault(image_id, []).append(index)
    first, *others = (
        _map(
            np.sum([parts[index] for index in each], axis=0),
            context.images[each[0]].grid,
            _to_cells(context.images[each[0]], context.features[each[0]]),
        )
        for each in indices.values()
    )
    return AttentionMap(first.weights, first.grid, first.elsewhere, others=tuple(others))


def _to_cells(inputs: ImageInputs, features: Features) -> NDArray[np.float32]:
    """What a token's weight adds to each cell: [token, cell]."""
    return (
        inputs.patch_to_cell
        if features.reading is None
        else features.reading @ inputs.patch_to_cell
    )


def _map(part: NDArray[np.float32], grid: PatchGrid, to_cells: NDArray[np.float32]) -> AttentionMap:
    places = part @ to_cells
    cells = places.astype(np.float16)
    cells.setflags(write=False)
    lost = part.sum(axis=-1).mean() - places.sum(axis=-1).mean()
    return AttentionMap(cells, grid, max(0.0, float(lost)))
