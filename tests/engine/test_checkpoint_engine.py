"""The engine of public models, with a runtime that needs no library: SmolVLM's prompt and grid."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.chat.model_inputs import Context, Features, ImageInputs
from mmgpt_desktop.engine.checkpoint_engine import (
    ALL_HEADS,
    SCENES_AT_REST,
    CheckpointEngine,
    exported_choice,
    make_runtime,
)
from mmgpt_desktop.engine.folder.checkpoint import Checkpoint
from mmgpt_desktop.engine.memory import require_memory
from mmgpt_desktop.engine.occlusion import Hiding, PhotoHider
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.engine.runtime import DecodeResult
from mmgpt_desktop.errors import (
    AppError,
    BundleError,
    Cancelled,
    NoCard,
    NotAvailable,
    RuntimeFailure,
)
from mmgpt_desktop.messages import (
    Box,
    Explanation,
    GenerationOutcome,
    GenerationRequest,
    HeadChoice,
    Message,
    PatchGrid,
    Photo,
    RuntimeInfo,
    RuntimeName,
    Sampling,
    TokenStep,
)
from mmgpt_desktop.methods import Method
from mmgpt_desktop.note import plain
from tests.fakes import FoundMaps
from tests.families.checkpoints import noise_photo, smolvlm_settings
from tests.not_none import not_none

SCRIPT = (40, 41, 42)  # of the byte-level alphabet
LAYERS, HEADS, VOCABULARY = 2, 3, 512
NEEDED = 5  # the cell that the second token needs


class LookingRuntime:
    """Writes `SCRIPT`; token t looks at image token t, and needs that `NEEDED` is bright."""

    attention_shape = (LAYERS, HEADS)

    def __init__(self, stop: int, fail_at: int | None = None) -> None:
        self.info = RuntimeInfo(RuntimeName.TORCH, "FakeProvider")
        self.encoded = 0
        self.contexts: list[Context] = []
        self.closed = False
        self._stop, self._fail_at = stop, fail_at

    def encode(self, inputs: ImageInputs, cancel: CancelToken) -> Features:
        self.encoded += 1
        values = inputs.arrays["pixel_values"][0, -1].mean(axis=0)  # [64, 64]
        return Features(values.reshape(4, 16, 4, 16).mean((1, 3)).reshape(16))

    def decode(
        self,
        token_ids: Sequence[int],
        context: Context,
        cache: int | None,
        *,
        attention: bool,
        cancel: CancelToken,
    ) -> DecodeResult:
        self.contexts.append(context)
        total = (cache or 0) + len(token_ids)
        written = total - len(context.prompt.token_ids)
        if written == self._fail_at:
            raise RuntimeFailure("The fake broke.")
        tokens = sum(inputs.tokens for inputs in context.images)
        weights = np.zeros((LAYERS, HEADS, tokens), np.float32)
        weights[:, :, written : written + 1] = 0.5
        weights[:, :, tokens - 1 :] += 0.25
        return DecodeResult(self._logits(written, context), weights if attention else None, total)

    def score(
        self, token_ids: Sequence[int], context: Context, cancel: CancelToken
    ) -> NDArray[np.float32]:
        count = len(token_ids) - len(context.prompt.token_ids) + 1
        return np.stack([self._logits(place, context) for place in range(count)])

    def close(self) -> None:
        self.closed = True

    def _logits(self, written: int, context: Context) -> NDArray[np.float32]:
        logits = np.zeros(VOCABULARY, np.float32)
        token = SCRIPT[written] if written < len(SCRIPT) else self._stop
        bright = context.features[0].embeddings[NEEDED] if context.features else 1.0
        logits[token] = 10.0 if written != 1 else 10.0 * float(bright > 0.5)
        return logits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = smolvlm_settings(tmp_path / "Tiny-VLM")
    save_file({"a": np.zeros((3, 5), np.float32)}, path / "model.safetensors")
    return path


class Maker:
    def __init__(self, **options: Any) -> None:
        self.made: list[LookingRuntime] = []
        self._options = options

    def __call__(self, name: RuntimeName, checkpoint: Checkpoint) -> LookingRuntime:
        stop = not_none(checkpoint.tokenizer().token_to_id("<end_of_utterance>"))
        self.made.append(LookingRuntime(stop, **self._options))
        return self.made[-1]


def loaded(folder: Path, make: Maker) -> CheckpointEngine:
    engine = CheckpointEngine(folder, make=make)
    engine.load()
    return engine


def lit_photo() -> Photo:
    """Dark but for cell `NEEDED` of 4 x 4."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    row, column = divmod(NEEDED, 4)
    pixels[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = 255
    pixels.setflags(write=False)
    return Photo(pixels, "lit", "lit.png")


def ask(engine: CheckpointEngine, *photos: Photo) -> tuple[list[TokenStep], GenerationOutcome]:
    steps: list[TokenStep] = []
    outcome = engine.generate(request(*photos), CancelToken(), steps.append)
    return steps, outcome


def request(*photos: Photo, question: str = "What?") -> GenerationRequest:
    return GenerationRequest(1, photos, (Message("user", question),), Sampling(max_new_tokens=8))


MEASURED = {
    "description": "Ours.",
    "certainty": {
        "temperature": 2.0,
        "doubt": 0.3,
        "doubt_long": 0.2,
        "kinds": [{"kind": "count", "power": 1.0, "scale": 0.001}],
    },
    "languages": ["en"],
    "beyond": ["reading"],
}


def measured(folder: Path, facts: object = MEASURED) -> CheckpointEngine:
    (folder / "facts.json").write_text(json.dumps(facts))
    return loaded(folder, Maker())


def said(engine: CheckpointEngine, question: str) -> tuple[list[TokenStep], GenerationOutcome]:
    steps: list[TokenStep] = []
    asked = request(lit_photo(), question=question)
    return steps, engine.generate(asked, CancelToken(), steps.append)


def test_a_model_of_ours_says_how_certain_it_is_by_the_kind_of_question(folder: Path) -> None:
    engine = measured(folder)
    assert (engine.model.description, engine.model.languages) == ("Ours.", ("en",))
    assert (engine.model.doubt.short, engine.model.doubt.long) == (0.3, 0.2)
    steps, outcome = said(engine, "What is this?")
    assert not_none(outcome.certainty) > 0.1
    assert all(step.attention is not None for step in steps)
    _, counted = said(engine, "How many dogs are there?")
    assert not_none(counted.certainty) < 0.1


def test_a_model_of_ours_leaves_the_photo_alone_where_none_is_needed(folder: Path) -> None:
    steps, outcome = said(measured(folder), "What is the capital of France?")
    assert outcome.kind == "done"
    assert outcome.certainty is None  # it was measured with photos
    assert steps
    assert all(step.attention is None for step in steps)


def test_what_a_model_of_ours_cant_tell_it_is_not_asked(folder: Path) -> None:
    steps, outcome = said(measured(folder), "What does the sign say?")
    assert steps == []
    assert outcome.reply is not None
    steps, _ = said(loaded_without(folder), "What does the sign say?")
    assert steps  # of a public model nobody measured that


def loaded_without(folder: Path) -> CheckpointEngine:
    (folder / "facts.json").unlink()
    return loaded(folder, Maker())


@pytest.mark.parametrize("facts", [{"certainty": {"temperature": 0}}, {"sure": True}, ["en"]])
def test_damaged_facts_are_named(folder: Path, facts: object) -> None:
    with pytest.raises(BundleError, match=r"facts\.json"):
        measured(folder, facts)


def test_a_checkpoint_answers_word_by_word_with_maps(folder: Path) -> None:
    make = Maker()
    engine = loaded(folder, make)
    assert (engine.model.name, engine.model.context_length) == ("Tiny-VLM", 1024)
    fusion = engine.model.fusion_info()
    assert (fusion.image_layers, fusion.heads) == (LAYERS, HEADS)

    steps, outcome = ask(engine, lit_photo())
    assert outcome.kind == "done"
    assert outcome.certainty is None  # nobody measured it
    assert [step.token_id for step in steps] == list(SCRIPT)
    for place, step in enumerate(steps):
        assert step.attention is not None
        assert step.attention.weights.shape == (LAYERS, HEADS, 16)
        assert step.attention.weights[0, 0, place] == 0.5
        assert step.attention.weights[0, 0, 15] == 0.25
        assert step.attention.elsewhere == 0
    ask(engine, lit_photo())
    assert make.made[0].encoded == 1


def test_several_photos_have_a_map_each(folder: Path) -> None:
    engine = loaded(folder, Maker())
    steps, _ = ask(engine, lit_photo(), noise_photo(90, 60))
    first = steps[2].attention
    assert first is not None
    (second,) = first.others
    assert engine.model.sequences
    assert (first.of(0), first.of(1), first.of(2)) == (first, second, None)
    assert first.weights[1, 1].tolist() == [0, 0, 0.5] + [0] * 13
    assert second.weights[1, 1].tolist() == [0] * 15 + [0.25]
    assert (second.grid.photo_width, second.grid.photo_height) == (90, 60)


def test_a_photo_that_stands_twice_has_one_map_of_both(folder: Path) -> None:
    engine = loaded(folder, Maker())
    steps, _ = ask(engine, lit_photo(), noise_photo(90, 60), lit_photo())
    first = steps[2].attention
    assert first is not None
    (second,) = first.others
    assert first.weights[1, 1].tolist() == [0, 0, 0.5] + [0] * 12 + [0.25]
    assert not second.weights.any()


def test_a_question_without_a_photo_is_answered(folder: Path) -> None:
    steps, outcome = ask(loaded(folder, Maker()))
    assert outcome.kind == "done"
    assert all(step.attention is None for step in steps)


def test_fine_detail_is_the_requests_to_choose(folder: Path) -> None:
    make = Maker()
    engine = loaded(folder, make)
    plain, photo = request(noise_photo(190, 100)), noise_photo(190, 100)
    tiled = GenerationRequest(1, (photo,), plain.messages, plain.sampling, tiled=True)
    for each, tokens in ((plain, 16), (tiled, 16 * 7)):
        engine.generate(each, CancelToken(), lambda step: None)
        assert make.made[0].contexts[-1].images[0].tokens == tokens
    assert make.made[0].encoded == 2


def test_occlusion_finds_the_place_that_a_word_needs(folder: Path) -> None:
    engine = loaded(folder, Maker())
    steps, _ = ask(engine, lit_photo())
    about = Explanation(request(lit_photo()), tuple(step.token_id for step in steps))
    found = FoundMaps()
    engine.explain(about, Method.OCCLUSION, CancelToken(), found.take)
    assert found[-1].done == 1
    assert int(found[-1].weights[1].argmax()) == NEEDED
    assert not found[-1].weights[0].any()

    checked = engine.check(
        about, slice(1, 2), found[-1].weights[1], Method.OCCLUSION, CancelToken()
    )
    assert checked.whole > 0.9
    assert checked.hidden < 0.1
    whole = engine.hidden(about, np.zeros((1, 4, 4), np.bool_), CancelToken())
    assert whole[0] == pytest.approx([step.probability for step in steps], abs=1e-6)


def test_hidden_cells_are_the_photos_and_nothing_else_changes() -> None:
    photo, grid = noise_photo(40, 20), PatchGrid(2, 2, Box(10, 0, 30, 20), 40, 20)
    for how in Hiding:
        hider = PhotoHider(photo, grid, how)
        hidden = np.array([[False, True], [False, False]])
        changed = (hider(hidden).pixels != photo.pixels).any(axis=2)
        assert changed[:10, 20:30].mean() > 0.9
        assert changed.sum() == changed[:10, 20:30].sum()
        assert hider(hidden).image_id != hider(~hidden).image_id


def test_the_neutral_questions_attention_can_be_had(folder: Path) -> None:
    neutral = loaded(folder, Maker()).neutral(lit_photo())
    assert neutral.weights[0, 0, 0] == 0.5


def test_what_is_not_worked_out_is_said(folder: Path) -> None:
    engine, cancel = loaded(folder, Maker()), CancelToken()
    about = Explanation(request(lit_photo()), SCRIPT)
    assert engine.edges(lit_photo(), cancel) is None
    with pytest.raises(NotAvailable):
        engine.explain(about, Method.ROLLOUT, cancel, lambda done: None)
    with pytest.raises(NotAvailable):
        engine.numbers(about, 0, 0, 0, cancel)
    with pytest.raises(AppError, match="without a picture"):
        engine.explain(Explanation(request(), SCRIPT), Method.OCCLUSION, cancel, lambda maps: None)


def test_a_runtime_that_breaks_leaves_what_was_written(folder: Path) -> None:
    steps, outcome = ask(loaded(folder, Maker(fail_at=2)), lit_photo())
    assert len(steps) == 2
    assert outcome.kind == "failed"
    assert outcome.error is not None
    assert "The fake broke" in outcome.error.title


def test_closing_gives_the_runtime_back(folder: Path) -> None:
    make = Maker()
    engine = loaded(folder, make)
    engine.close()
    assert make.made[0].closed


def test_the_folder_chooses_the_engine(folder: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    assert isinstance(open_engine(folder), CheckpointEngine)
    assert isinstance(open_engine(tiny_bundle), BundleEngine)
    (folder / "manifest.json").write_text('{"kind": "public"}')
    assert isinstance(open_engine(folder), CheckpointEngine)
    with pytest.raises(BundleError):
        open_engine(tmp_path / "nothing").load()


def test_too_little_memory_is_said_before_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmgpt_desktop.engine.memory.free_memory", lambda: 2_000_000_000)
    require_memory(1_600_000_000)
    with pytest.raises(RuntimeFailure) as caught:
        require_memory(3_000_000_000)
    assert "needs about 3.3 GB, and 2.0 GB are free" in caught.value.title


def test_heads_are_chosen_once_and_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_a, **_k: tmp_path / "cache")
    make = Maker()
    engine = loaded(folder, make)
    assert engine.model.fusions[0].head_choice == HeadChoice((), ALL_HEADS)
    ask(engine, lit_photo())
    engine.rest(CancelToken())
    encoded = make.made[0].encoded
    assert encoded == 1 + SCENES_AT_REST
    engine.rest(CancelToken())
    ask(engine, lit_photo())
    assert make.made[0].encoded == encoded  # the photo's features were kept, too
    found = loaded(folder, Maker()).model.fusions[0].head_choice
    assert "9 test pictures" in str(found.how)
    shutil.copytree(folder, tmp_path / "copy")
    copied = loaded(tmp_path / "copy", Maker()).model.fusions[0].head_choice
    assert copied == found
    shutil.copytree(folder, tmp_path / "tuned")
    save_file({"a": np.ones((3, 5), np.float32)}, tmp_path / "tuned" / "model.safetensors")
    tuned = loaded(tmp_path / "tuned", Maker()).model.fusions[0].head_choice
    assert tuned == HeadChoice((), ALL_HEADS)
    (folder / "manifest.json").write_text(
        json.dumps({"attention": {"heads": [[1, 2]], "how": "Measured when it was exported."}})
    )
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    exported = CheckpointEngine(folder, make=Maker())
    assert exported.path == folder
    choice = exported_choice(folder, LAYERS, HEADS)
    assert choice == HeadChoice(((1, 2),), plain("Measured when it was exported."))
    assert exported_choice(folder, 1, HEADS) is None
    with (folder / "manifest.json").open("a") as manifest:
        manifest.write(" " * (17 << 20))  # without end, as far as one can tell
    assert exported_choice(folder, LAYERS, HEADS) is None


def test_a_rest_that_is_cancelled_chooses_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_a, **_k: tmp_path / "cache")
    engine, cancel = loaded(folder, Maker()), CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        engine.rest(cancel)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("fail_at", [1, 2])
def test_pytorch_takes_over_where_graphs_break(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int
) -> None:
    """In mid-answer too: a folder that holds graphs and a checkpoint's weights."""
    for name in ("vision_encoder.onnx", "embed_tokens.safetensors", "decoder.onnx"):
        (folder / name).write_bytes(b"not read: the runtimes are fakes")
    made = list[RuntimeName]()

    def make(name: RuntimeName, checkpoint: Checkpoint) -> LookingRuntime:
        if name is RuntimeName.ONNX_CUDA:
            raise NoCard("No card.")
        made.append(name)
        runtime = Maker(fail_at=fail_at if name is RuntimeName.ONNX_CPU else None)(name, checkpoint)
        runtime.info = RuntimeInfo(name, "FakeProvider")
        return runtime

    engine = CheckpointEngine(folder, make=make)
    engine.load()
    assert engine.runtime.runtime is RuntimeName.ONNX_CPU
    steps, outcome = ask(engine, lit_photo())
    assert outcome.kind == "done"
    assert [step.token_id for step in steps] == list(SCRIPT)
    assert made == [RuntimeName.ONNX_CPU, RuntimeName.TORCH]
    assert str(engine.runtime.note) == "PyTorch took over: The fake broke."
    assert "PyTorch took over: The fake broke." in map(str, outcome.notes)


def test_a_card_that_breaks_at_rest_is_gone_over_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_a, **_k: tmp_path / "cache")
    for name in ("vision_encoder.onnx", "embed_tokens.safetensors", "decoder.onnx"):
        (folder / name).write_bytes(b"not read: the runtimes are fakes")
    made = dict[RuntimeName, LookingRuntime]()

    def make(name: RuntimeName, checkpoint: Checkpoint) -> LookingRuntime:
        broken = name is RuntimeName.ONNX_CUDA
        made[name] = Maker(fail_at=1 if broken else None)(name, checkpoint)
        made[name].info = RuntimeInfo(name, "FakeProvider")
        return made[name]

    engine = CheckpointEngine(folder, make=make)
    engine.load()
    assert engine.runtime.runtime is RuntimeName.ONNX_CUDA
    engine.rest(CancelToken())
    assert str(engine.runtime.note) == "ONNX Runtime took over: The fake broke."
    assert made[RuntimeName.ONNX_CUDA].closed
    processor = made[RuntimeName.ONNX_CPU]
    looked = processor.encoded
    steps, outcome = ask(engine, lit_photo())
    assert ([step.token_id for step in steps], outcome.notes) == ([*SCRIPT], ())
    assert processor.encoded == looked + 1, "nothing of the card's features is used"
    engine.rest(CancelToken())
    assert processor.encoded == looked + 1, "the heads were chosen"


def test_pytorch_takes_over_where_a_graph_is_damaged(folder: Path) -> None:
    for name in ("vision_encoder.onnx", "embed_tokens.safetensors", "decoder.onnx"):
        (folder / name).write_bytes(b"no graph")

    def make(name: RuntimeName, checkpoint: Checkpoint) -> Any:
        if name is RuntimeName.TORCH:
            return Maker()(name, checkpoint)
        return make_runtime(name, checkpoint)

    engine = CheckpointEngine(folder, make=make)
    engine.load()
    assert "PyTorch took over: The model's graph decoder.onnx is missing" in str(
        engine.runtime.note
    )
    (folder / "model.safetensors").unlink()
    with pytest.raises(BundleError, match=r"decoder\.onnx is missing or damaged"):
        CheckpointEngine(folder, make=make).load()
