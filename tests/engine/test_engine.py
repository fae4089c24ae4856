"""The engine: which runtime answers, what happens when it breaks, one outcome for each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.bundle_engine import BundleEngine, make_runtime
from mmgpt_desktop.engine.families.mmgpt import MmgptFamily
from mmgpt_desktop.engine.folder.bundle import Bundle, open_bundle
from mmgpt_desktop.engine.runtime import Runtime
from mmgpt_desktop.errors import (
    BundleError,
    Cancelled,
    LanguageError,
    NoCard,
    PromptError,
    RuntimeFailure,
)
from mmgpt_desktop.honesty import Doubt, Hedge
from mmgpt_desktop.messages import (
    GenerationOutcome,
    GenerationRequest,
    Message,
    Photo,
    RuntimeName,
    Sampling,
    TokenStep,
)
from tests.fakes import FakeRuntime, make_photo
from tests.not_none import not_none
from tests.tiny_bundle import ANSWER, CELLS, FUSIONS, read_manifest, write_manifest

CUDA, CPU, TORCH = RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU, RuntimeName.TORCH


@dataclass
class Maker:
    """Gives the runtimes it was told to; a name without one can't be made."""

    runtimes: dict[RuntimeName, FakeRuntime] = field(default_factory=dict)
    asked: list[RuntimeName] = field(default_factory=list)

    def __call__(self, name: RuntimeName, bundle: Bundle) -> Runtime:
        self.asked.append(name)
        if name not in self.runtimes:
            absent = NoCard if name is CUDA else RuntimeFailure
            raise absent("{name} is not here.", name=name)
        return self.runtimes[name]


@pytest.fixture
def script(tiny_bundle: Path) -> tuple[int, ...]:
    prompt = MmgptFamily(open_bundle(tiny_bundle)).build_prompt([Message("user", ANSWER)], 10)
    return prompt.token_ids[1:-1]


def request(
    photo: Photo | None = None, text: str = "A dog?", sampling: Sampling | None = None, job: int = 1
) -> GenerationRequest:
    images = (photo,) if photo else ()
    return GenerationRequest(job, images, (Message("user", text),), sampling or Sampling())


def make_striped_photo() -> Photo:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, ::16], pixels[:24, :, 1], pixels[24:, :, 2] = 255, 200, 90
    return Photo(pixels, "striped", "striped.png")


def ask(
    engine: BundleEngine,
    what: GenerationRequest,
    cancel: CancelToken | None = None,
    on_step: Callable[[TokenStep], None] = lambda step: None,
) -> tuple[str, GenerationOutcome, Sequence[TokenStep]]:
    steps: list[TokenStep] = []

    def keep(step: TokenStep) -> None:
        steps.append(step)
        on_step(step)

    outcome = engine.generate(what, cancel or CancelToken(), keep)
    return "".join(step.text for step in steps), outcome, steps


def loaded(path: Path, maker: Maker, choice: RuntimeName | None = None) -> BundleEngine:
    engine = BundleEngine(path, choice, maker)
    engine.load()
    return engine


def test_real_graphs_answer_and_say_where_they_looked(tiny_bundle: Path) -> None:
    engine = BundleEngine(tiny_bundle, CPU)
    info = engine.load()
    text, outcome, steps = ask(engine, request(make_photo(64, 48), job=7))
    assert text == ANSWER
    assert (outcome.kind, outcome.error, outcome.job_id) == ("done", None, 7)
    assert [step.index for step in steps] == list(range(len(steps)))
    assert all(step.job_id == 7 and 0 < step.probability < 1 for step in steps)
    shown = steps[0].attention
    assert shown is not None
    assert shown.weights.shape == (info.fusion_info().image_layers, info.fusion_info().heads, CELLS)
    assert 0 < shown.elsewhere < 1
    mean = shown.weights.sum(axis=-1, dtype=np.float32).mean()
    assert 0 < mean + shown.elsewhere < 1, "the rest goes to no cell"
    assert shown.weights.dtype == np.float16
    assert not shown.weights.flags.writeable
    assert (shown.grid.photo_width, shown.grid.photo_height) == (64, 48)
    assert outcome.timings.tokens == len(steps)
    assert 0 < outcome.timings.first_token <= outcome.timings.total
    engine.close()


def test_real_graphs_answer_without_a_picture(tiny_bundle: Path) -> None:
    engine = BundleEngine(tiny_bundle, CPU)
    engine.load()
    text, outcome, steps = ask(engine, request())
    assert (text, outcome.kind) == (ANSWER, "done")
    assert {step.attention for step in steps} == {None}


def test_each_fusion_answers_with_its_own_grid(tiny_bundle: Path) -> None:
    engine = BundleEngine(tiny_bundle, CPU)
    info = engine.load()
    assert (info.fusion, info.doubt) == ("graph", Doubt(0.3, 0.2))
    assert [fusion.name for fusion in info.fusions] == list(FUSIONS)
    photo, maps = make_striped_photo(), {}
    for name in (*FUSIONS, None):
        text, outcome, steps = ask(engine, replace(request(photo), fusion=name))
        assert (text, outcome.error) == (ANSWER, None)
        fusion, shown = info.fusion_info(name), steps[0].attention
        assert shown is not None
        assert (shown.grid.rows, shown.grid.columns) == (fusion.rows, fusion.columns)
        cells = fusion.rows * fusion.columns
        assert shown.weights.shape == (fusion.image_layers, fusion.heads, cells)
        maps[name] = shown.weights
    assert (maps[None] == maps["graph"]).all()
    assert (maps["cross_attention"] != maps["graph"]).any()
    engine.close()


def test_a_fusions_first_use_counts_as_loading(
    tiny_bundle: Path, script: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("mmgpt_desktop.engine.base.time.perf_counter", lambda: now)
    runtime = FakeRuntime(script)

    def prepare(fusion: str) -> None:
        nonlocal now
        now += 5.0

    runtime.prepare = prepare  # type: ignore[method-assign]
    timings = ask(loaded(tiny_bundle, Maker({CPU: runtime})), request())[1].timings
    assert (timings.load, timings.first_token, timings.total) == (5.0, 0.0, 0.0)


def test_a_fusion_that_cant_be_loaded_goes_to_the_next_runtime(
    own_bundle: Path, script: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = FakeRuntime(script, name=TORCH)

    def make(name: RuntimeName, bundle: Bundle) -> Runtime:
        return torch if name is TORCH else make_runtime(name, bundle)

    monkeypatch.setattr("mmgpt_desktop.engine.onnx_runtime.cuda_obstacle", lambda: NoCard("Off."))
    engine = BundleEngine(own_bundle, make=make)
    engine.load()
    (own_bundle / "decoder.concat.onnx").write_bytes(b"broken after loading")
    text, outcome, _ = ask(engine, replace(request(make_photo()), fusion="concat"))
    assert (text, outcome.kind) == (ANSWER, "done")
    assert "PyTorch took over: ONNX Runtime can't load the model" in str(outcome.notes[0])
    assert torch.prepared == ["concat"]


def test_an_unknown_fusion_is_an_outcome(tiny_bundle: Path) -> None:
    runtime = FakeRuntime()
    engine = loaded(tiny_bundle, Maker({CPU: runtime}))
    _, outcome, steps = ask(engine, replace(request(make_photo()), fusion="early"))
    assert (outcome.kind, list(steps), runtime.encoded) == ("failed", [], [])
    assert str(outcome.error) == (
        "This model has no fusion called early. "
        "Choose one of these: graph, cross_attention, concat."
    )


def test_the_graphs_edges_are_a_map_of_cells(tiny_bundle: Path) -> None:
    engine = BundleEngine(tiny_bundle, CPU)
    engine.load()
    edges = engine.edges(make_photo(64, 48), CancelToken())
    assert edges is not None
    assert edges.weights.shape == (CELLS, CELLS)
    assert edges.weights.dtype == np.float32
    assert not edges.weights.flags.writeable
    assert (edges.grid.cells, edges.grid.photo_width) == (CELLS, 64)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        engine.edges(make_photo(64, 48), cancel)


@pytest.mark.parametrize("without", ["fusion", "output"])
def test_a_model_without_a_graph_has_no_edges(own_bundle: Path, without: str) -> None:
    about = read_manifest(own_bundle)
    plain = about["fusions"]["cross_attention"]
    about["fusions"] |= {"graph": plain}
    if without == "fusion":
        about["fusion"] = "cross_attention"
        del about["fusions"]["graph"]
    write_manifest(own_bundle, about)
    engine = BundleEngine(own_bundle, CPU)
    engine.load()
    assert engine.edges(make_photo(), CancelToken()) is None


def test_a_done_answer_has_a_certainty(own_bundle: Path) -> None:
    def certainty_at(temperature: float) -> float:
        about = read_manifest(own_bundle)
        about["certainty"]["temperature"] = temperature
        write_manifest(own_bundle, about)
        engine = BundleEngine(own_bundle, CPU)
        engine.load()
        _, outcome, steps = ask(engine, request(make_photo()))
        certainty = not_none(outcome.certainty)
        mean = float(np.exp(np.mean([np.log(step.probability) for step in steps])))
        assert certainty == pytest.approx(mean, abs=0.1)
        assert ask(engine, request(text=""))[1].certainty is None
        return certainty

    assert certainty_at(1.0) > certainty_at(2.0) > 0


@pytest.fixture
def knows_pictures(own_bundle: Path) -> BundleEngine:
    """A bundle whose manifest says nothing of what it has no answer to, as older ones do."""
    about = read_manifest(own_bundle)
    del about["beyond"]
    write_manifest(own_bundle, about)
    engine = BundleEngine(own_bundle, CPU)
    engine.load()
    return engine


@pytest.mark.parametrize("text", ["What does the sign say?", "Who is this man?", "Hello", "2+2=?"])
def test_what_no_picture_tells_the_model_is_not_asked(
    knows_pictures: BundleEngine, text: str
) -> None:
    said, outcome, steps = ask(knows_pictures, request(make_photo(), text=text))
    assert (said, outcome.kind, len(steps)) == ("", "done", 0)
    assert (outcome.certainty, outcome.error, outcome.hedge) == (None, None, None)
    assert not_none(outcome.reply).text


def test_who_insists_gets_a_guess(knows_pictures: BundleEngine) -> None:
    what = request(make_photo(), text="What does the sign say?")
    said, outcome, _ = ask(knows_pictures, replace(what, anyway=True))
    assert said == ANSWER
    assert (outcome.reply, outcome.hedge, outcome.certainty) == (None, Hedge.GUESS, None)
    said, outcome, _ = ask(knows_pictures, replace(request(make_photo()), anyway=True))
    assert (said, outcome.hedge) == (ANSWER, None), "it may know this"
    assert outcome.certainty is not None


def test_without_a_picture_it_would_only_guess(knows_pictures: BundleEngine) -> None:
    assert not_none(ask(knows_pictures, request())[1].reply).text.startswith("There is no picture")
    said, outcome, _ = ask(knows_pictures, replace(request(), anyway=True))
    assert (said, outcome.hedge) == (ANSWER, Hedge.GUESS)


def test_certainty_is_that_of_the_kind_of_question(own_bundle: Path) -> None:
    about = read_manifest(own_bundle)
    about["certainty"]["kinds"] = [
        {"kind": "count", "power": 1.0, "scale": 0.1},
        {"kind": "count", "language": "zh", "power": 1.0, "scale": 10.0},
    ]
    write_manifest(own_bundle, about)
    engine = BundleEngine(own_bundle, CPU)
    engine.load()
    count, colour, in_chinese = (
        not_none(ask(engine, request(make_photo(), text=text))[1].certainty)
        for text in ("How many dogs are there?", "What colour is it?", "图里有几只狗")
    )
    assert count < colour < in_chinese


def test_a_count_beyond_five_is_no_count(
    knows_pictures: BundleEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = request(make_photo(), text="How many dogs are there?")
    assert ask(knows_pictures, what)[1].hedge is None
    monkeypatch.setattr(knows_pictures, "token_bytes", lambda _token: b" 12")
    outcome = ask(knows_pictures, what)[1]
    assert (outcome.hedge, outcome.certainty) == (Hedge.MANY, None)


def test_a_sentence_is_translated_without_looking(own_bundle: Path) -> None:
    about = read_manifest(own_bundle)
    about["beyond"] = ["no-picture"]
    write_manifest(own_bundle, about)
    engine = BundleEngine(own_bundle, CPU)
    engine.load()
    asked = request(make_photo(), text="Translate into Chinese: A dog runs.")
    said, outcome, steps = ask(engine, asked)
    assert (said, outcome.reply) == (ANSWER, None)
    assert all(step.attention is None for step in steps)
    assert ask(engine, request(text="Translate into Chinese: A dog runs."))[0] == ANSWER


def test_a_model_that_knows_more_is_asked(tiny_bundle: Path) -> None:
    engine = BundleEngine(tiny_bundle, CPU)
    assert engine.load().beyond == ()
    assert ask(engine, request(make_photo(), text="What does the sign say?"))[0] == ANSWER


def test_loading_reports_progress_to_the_end(tiny_bundle: Path) -> None:
    seen: list[tuple[float, str]] = []
    engine = BundleEngine(tiny_bundle, CPU, Maker({CPU: FakeRuntime()}))
    info = engine.load(lambda fraction, what: seen.append((fraction, what)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert info.name == "tiny"
    assert info.sampling.max_new_tokens == 32


def test_loading_can_be_cancelled(tiny_bundle: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        BundleEngine(tiny_bundle, CPU, Maker()).load(cancel=cancel)


def test_loading_a_damaged_bundle_says_so(own_bundle: Path) -> None:
    (own_bundle / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"tokenizer\.json is missing"):
        BundleEngine(own_bundle).load()


def test_cuda_first_then_the_processor_without_a_word(tiny_bundle: Path) -> None:
    maker = Maker({CPU: FakeRuntime(), TORCH: FakeRuntime(name=TORCH)})
    engine = loaded(tiny_bundle, maker)
    assert maker.asked == [CUDA, CPU]
    assert (engine.runtime.runtime, str(engine.runtime.note)) == (CPU, "")


def test_a_working_cuda_is_used(tiny_bundle: Path) -> None:
    maker = Maker({CUDA: FakeRuntime(name=CUDA), CPU: FakeRuntime()})
    assert loaded(tiny_bundle, maker).runtime.runtime == CUDA
    assert maker.asked == [CUDA]


def test_without_onnx_pytorch_answers_and_the_note_says_why(tiny_bundle: Path) -> None:
    engine = loaded(tiny_bundle, Maker({TORCH: FakeRuntime(name=TORCH)}))
    assert engine.runtime.runtime == TORCH
    assert str(engine.runtime.note) == "PyTorch took over: onnx-cpu is not here."


def test_nothing_works(tiny_bundle: Path) -> None:
    with pytest.raises(RuntimeFailure, match="onnx-cpu is not here"):
        loaded(tiny_bundle, Maker())


@pytest.mark.parametrize("choice", list(RuntimeName))
def test_a_forced_runtime_is_used_or_fails(tiny_bundle: Path, choice: RuntimeName) -> None:
    maker = Maker({name: FakeRuntime(name=name) for name in RuntimeName})
    assert loaded(tiny_bundle, maker, choice).runtime.runtime == choice
    del maker.runtimes[choice]
    with pytest.raises(RuntimeFailure, match=f"{choice} is not here"):
        loaded(tiny_bundle, maker, choice)


@pytest.mark.parametrize("fail_at", [0, 1, 4])
def test_pytorch_goes_on_in_the_same_answer(
    tiny_bundle: Path, script: tuple[int, ...], fail_at: int
) -> None:
    onnx = FakeRuntime(script, fail_at=[fail_at])
    torch = FakeRuntime(script, name=TORCH)
    engine = loaded(tiny_bundle, Maker({CPU: onnx, TORCH: torch}))
    text, outcome, steps = ask(engine, replace(request(make_photo()), fusion="concat"))
    assert text == ANSWER
    assert {*onnx.fusions, *torch.fusions} == {"concat"}, "the fusion is kept"
    assert [step.index for step in steps] == list(range(len(script)))
    assert outcome.kind == "done"
    assert outcome.runtime is not None
    assert outcome.runtime.runtime == TORCH
    assert [*map(str, outcome.notes)] == ["PyTorch took over: The fake runtime broke."]
    assert engine.runtime.note == outcome.notes[0]
    assert onnx.closed
    assert torch.encoded == [True], "the picture is encoded again, for the new runtime"
    assert torch.fed[0][-fail_at:] == list(script[:fail_at]) or fail_at == 0
    text, outcome, _ = ask(engine, request(make_photo()))
    assert (text, outcome.notes) == (ANSWER, ())


def test_a_break_that_pytorch_cant_mend_fails_but_the_engine_lives(
    tiny_bundle: Path, script: tuple[int, ...]
) -> None:
    onnx = FakeRuntime(script, fail_at=[3])
    engine = loaded(tiny_bundle, Maker({CPU: onnx}))
    text, outcome, _ = ask(engine, request())
    assert (text, outcome.kind) == ("A small dog", "failed")
    assert outcome.error is not None
    assert outcome.error.title == "The fake runtime broke."
    text, outcome, _ = ask(engine, request())
    assert (text, outcome.kind) == (ANSWER, "done")


def test_a_forced_runtime_that_breaks_does_not_fall_back(
    tiny_bundle: Path, script: tuple[int, ...]
) -> None:
    maker = Maker({CPU: FakeRuntime(script, fail_at=[2]), TORCH: FakeRuntime(script, name=TORCH)})
    _, outcome, _ = ask(loaded(tiny_bundle, maker, CPU), request())
    assert outcome.kind == "failed"
    assert maker.asked == [CPU]


def test_a_photo_is_encoded_once_for_all_questions(
    tiny_bundle: Path, script: tuple[int, ...]
) -> None:
    runtime = FakeRuntime(script)
    engine = loaded(tiny_bundle, Maker({CPU: runtime}), CPU)
    first, second = make_photo(value=1), make_photo(value=2)
    for photo in (first, second, first, None, second, None):
        ask(engine, request(photo))
    assert runtime.encoded == [True, True, False]
    for fusion in ("concat", "graph", "concat"):
        ask(engine, replace(request(first), fusion=fusion))
    assert runtime.encoded == [True, True, False, True], "once for each fusion"
    for value in range(10, 10 + BundleEngine.photos_kept):
        ask(engine, request(make_photo(value=value)))
    ask(engine, request(first))
    assert len(runtime.encoded) == 4 + BundleEngine.photos_kept + 1, "only a few are kept"


def test_cancel_ends_the_answer_within_one_token(
    tiny_bundle: Path, script: tuple[int, ...]
) -> None:
    engine = loaded(tiny_bundle, Maker({CPU: FakeRuntime(script)}))
    cancel = CancelToken()
    text, outcome, steps = ask(
        engine, request(), cancel, lambda step: cancel.cancel() if step.index == 2 else None
    )
    assert (text, outcome.kind, len(steps)) == ("A small dog", "cancelled", 3)
    assert ask(engine, request())[0] == ANSWER


def test_a_request_cancelled_before_it_began_writes_nothing(tiny_bundle: Path) -> None:
    runtime = FakeRuntime()
    cancel = CancelToken()
    cancel.cancel()
    _, outcome, steps = ask(loaded(tiny_bundle, Maker({CPU: runtime})), request(), cancel)
    assert (outcome.kind, list(steps), runtime.fed) == ("cancelled", [], [])


def test_a_seed_decides_the_answer(tiny_bundle: Path) -> None:
    engine = BundleEngine(tiny_bundle, CPU)
    engine.load()

    def answer(seed: int) -> str:
        sampling = Sampling(temperature=1.5, seed=seed, max_new_tokens=12)
        return ask(engine, request(sampling=sampling))[0]

    assert answer(1) == answer(1)
    assert len({answer(seed) for seed in range(4)}) > 1


@pytest.mark.parametrize(("languages", "kind"), [(["en"], "failed"), ([], "done")])
def test_a_question_that_the_model_cant_read_is_an_outcome_before_any_answer(
    tiny_bundle: Path, tmp_path: Path, languages: list[str], kind: str
) -> None:
    for path in tiny_bundle.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_manifest(tmp_path, {**read_manifest(tiny_bundle), "languages": languages})
    runtime = FakeRuntime()
    engine = loaded(tmp_path, Maker({CPU: runtime}))
    assert engine.model.languages == tuple(languages)
    _, outcome, steps = ask(engine, request(text="这是什么动物？"))  # noqa: RUF001
    assert outcome.kind == kind
    assert isinstance(outcome.error, LanguageError) is bool(languages)
    assert not (steps and languages)
    assert ask(engine, request(text="What is this?"))[1].kind == "done"


@pytest.mark.parametrize("text", ["", " \n", "\x00", "dog " * 25_000])
def test_bad_questions_are_outcomes(tiny_bundle: Path, text: str) -> None:
    _, outcome, steps = ask(loaded(tiny_bundle, Maker({CPU: FakeRuntime()})), request(text=text))
    assert outcome.kind == "failed"
    assert isinstance(outcome.error, PromptError)
    assert not steps


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "not enough memory"),
        (ZeroDivisionError("float division"), "unexpected happened .* \\(float division\\)"),
    ],
)
def test_the_unexpected_is_one_sentence(tiny_bundle: Path, error: Exception, said: str) -> None:
    runtime = FakeRuntime(fail_at=[0], failure=error)
    _, outcome, _ = ask(loaded(tiny_bundle, Maker({CPU: runtime})), request())
    assert outcome.kind == "failed"
    with pytest.raises(RuntimeFailure, match=said):
        raise outcome.error or AssertionError


def test_errors_of_the_listener_are_its_own(tiny_bundle: Path, script: tuple[int, ...]) -> None:
    def break_pipe(step: TokenStep) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        ask(loaded(tiny_bundle, Maker({CPU: FakeRuntime(script)})), request(), on_step=break_pipe)


def test_turns_left_out_are_mentioned(tiny_bundle: Path, script: tuple[int, ...]) -> None:
    engine = loaded(tiny_bundle, Maker({CPU: FakeRuntime(script)}))
    turn = (Message("user", "A dog?"), Message("assistant", ANSWER))
    messages = (*turn * 10, Message("user", "A dog?"))
    outcome = engine.generate(GenerationRequest(1, (), messages), CancelToken(), lambda step: None)
    assert outcome.kind == "done"
    assert "Left out for length" in str(outcome.notes[0])
