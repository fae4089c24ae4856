"""What is wrong with a model is one sentence, and the model before it still answers."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from huggingface_hub import close_session
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from mmgpt_desktop.engine.checkpoint_engine import CheckpointEngine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.export.export_folder import export
from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.hub import download as _download  # noqa: F401
from mmgpt_desktop.hub.cache import Hub
from mmgpt_desktop.hub.catalogue import CatalogueEntry
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.resources import mini_path
from mmgpt_desktop.ui.models import model_choice
from mmgpt_desktop.ui.window.app import App
from mmgpt_desktop.ui.worker import engine_maker
from tests.families.checkpoints import smolvlm_settings, tiny_smolvlm
from tests.gui.answers import notices
from tests.gui.conftest import MakeApp
from tests.gui_fakes import ANSWER, FakeEngine
from tests.hub_server import REPOSITORY, HubServer, Misbehaviour, running_hub

PATIENCE = 60_000  # ms; other work may have the computer


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("graphs")
    checkpoint = tiny_smolvlm(place / "tiny", head_dim=16)
    export(checkpoint, place / "out", Precision.FP32, lambda *_: None)
    return place / "out"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = smolvlm_settings(tmp_path / "Tiny-VLM")
    save_file({"a": np.zeros((3, 5), np.float32)}, path / "model.safetensors")
    return path


def config_with(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def without_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}))


def hollow(folder: Path) -> None:
    """A header that speaks of a petabyte, and nothing behind it."""
    shape, size = [2**40, 2**8], 2**50
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}
    header = json.dumps({"a": tensor}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)


BAD_CHECKPOINTS: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "config.json").unlink(), "holds no model: "),
    (
        lambda folder: config_with(folder, model_type="mystery_vl"),
        "Models of the family mystery_vl are not known here.",
    ),
    (without_shard, "The model's model-00002-of-00002.safetensors is missing."),
    (
        lambda folder: (folder / "tokenizer.json").write_text('{"version": "1.0"'),
        "The model's tokenizer can't be read.",
    ),
    (
        lambda folder: (folder / "chat_template.jinja").write_text("{% for %}"),
        "The model's chat template can't be read",
    ),
    (hollow, "is cut short or too long"),
]


def switched(qtbot: QtBot, app: App, folder: Path) -> list[str]:
    """What is told when a model can't be opened, and the model before still answers."""
    with qtbot.waitSignal(app.models.loader.not_opened, timeout=PATIENCE):
        app.models.use(folder)
    told = notices(app)
    assert_it_answers(qtbot, app)
    return told


def assert_it_answers(qtbot: QtBot, app: App) -> None:
    app.chat.controller.ask("What?")
    qtbot.waitUntil(lambda: not app.chat.controller.busy, timeout=PATIENCE)
    assert app.chat.controller.conversation.turns[-1].answer == "".join(ANSWER)


@pytest.fixture
def opening(make_app: MakeApp) -> App:
    """An app that opens models for real; the one that answers now is a fake."""
    options = {"open_model": lambda path: engine_maker(path, None)}
    return make_app(FakeEngine(), options=options)


@pytest.mark.parametrize(("damage", "sentence"), BAD_CHECKPOINTS)
def test_a_bad_checkpoint(
    qtbot: QtBot,
    opening: App,
    checkpoint: Path,
    damage: Callable[[Path], object],
    sentence: str,
) -> None:
    damage(checkpoint)
    (told,) = switched(qtbot, opening, checkpoint)
    assert sentence in told


def test_an_unknown_family_names_those_that_are_known(
    qtbot: QtBot, opening: App, checkpoint: Path
) -> None:
    config_with(checkpoint, model_type="mystery_vl")
    switched(qtbot, opening, checkpoint)
    hint = opening.window.notices.current()[0].hint.text()
    assert hint.startswith(
        "These are: gemma3, idefics, idefics3, internvl, janus, kosmos-2, llava,"
    )


def strange_input(folder: Path) -> None:
    """What the graph calls its mask, nobody knows."""
    model = onnx.load(str(folder / "decoder.onnx"), load_external_data=False)
    (mask,) = (each for each in model.graph.input if each.name == "attention_mask")
    mask.name = "strange_mask"
    for node in model.graph.node:
        names = [name.replace("attention_mask", "strange_mask") for name in node.input]
        del node.input[:]
        node.input.extend(names)
    save_graph(folder, "decoder.onnx", model)


def other_pixels(folder: Path) -> None:
    """The image encoder wants pictures of another size."""
    model = onnx.load(str(folder / "vision_encoder.onnx"), load_external_data=False)
    for axis in (-1, -2):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = 96
    save_graph(folder, "vision_encoder.onnx", model)


def save_graph(folder: Path, name: str, model: onnx.ModelProto) -> None:
    (folder / name).write_bytes(model.SerializeToString())
    (folder / "manifest.json").unlink(missing_ok=True)  # it knows the size


def newer(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (strange_input, "asks for strange_mask, which is not known here."),
        (other_pixels, "ONNX Runtime broke while it ran the model"),
        (
            lambda folder: (folder / "embed_tokens.safetensors").unlink(),
            "The model's embed_tokens.safetensors ",
        ),
        (newer, "This model was made for a newer version of MMGPT Desktop."),
    ],
)
def test_bad_graphs(
    qtbot: QtBot,
    opening: App,
    graphs: Path,
    tmp_path: Path,
    damage: Callable[[Path], object],
    sentence: str,
) -> None:
    folder = Path(shutil.copytree(graphs, tmp_path / "copy"))
    damage(folder)
    (told,) = switched(qtbot, opening, folder)
    assert sentence in told


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5150\n"


@pytest.mark.parametrize("part", ["decoder", "vision_encoder"])
@pytest.mark.parametrize(
    ("damage", "said"), [(b"no graph", "is missing or damaged"), (POINTER, "is not here yet")]
)
def test_a_broken_graph_beside_a_good_one_is_tried_and_said(
    graphs: Path, tmp_path: Path, part: str, damage: bytes, said: str
) -> None:
    folder = Path(shutil.copytree(graphs, tmp_path / "copy"))
    (folder / "manifest.json").unlink()
    shutil.copyfile(folder / f"{part}.onnx", folder / f"{part}_q4.onnx")
    (folder / f"{part}.onnx").write_bytes(damage)
    engine = CheckpointEngine(folder, RuntimeName.ONNX_CPU)
    engine.load()
    note = str(engine.runtime.note)
    engine.close()
    assert note.startswith(f"{part}_q4.onnx took over: The model's ")
    assert said in note


def test_nobody_is_told_to_use_pytorch_without_weights(graphs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(graphs, tmp_path / "copy"))
    model = onnx.load(str(folder / "decoder.onnx"), load_external_data=False)
    model.ir_version = 999
    save_graph(folder, "decoder.onnx", model)
    with pytest.raises(AppError) as caught:
        CheckpointEngine(folder, RuntimeName.ONNX_CPU).load()
    for word in ("PyTorch", "onnxruntime", ".cc:", "[", "::", str(tmp_path)):
        assert word not in str(caught.value)


def test_a_newer_bundle_of_our_own(qtbot: QtBot, opening: App, tmp_path: Path) -> None:
    manifest = json.loads((mini_path() / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    (told,) = switched(qtbot, opening, tmp_path)
    assert "newer version" in told


def test_too_little_memory_is_said_before_loading(
    qtbot: QtBot, opening: App, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmgpt_desktop.engine.memory.free_memory", lambda: 100_000_000)
    (told,) = switched(qtbot, opening, checkpoint)
    assert told.startswith("There is not enough memory for this model: it needs about 0.3 GB,")


def test_memory_that_runs_out_in_the_midst_is_said(qtbot: QtBot, make_app: MakeApp) -> None:
    full = FakeEngine()

    def load(*_: object) -> None:
        raise MemoryError

    full.load = load  # type: ignore[method-assign,assignment]
    app = make_app(FakeEngine(), options={"open_model": lambda _path: full})
    (told,) = switched(qtbot, app, Path("large"))
    assert "the memory is full" in told
    assert full.closed


def test_an_answer_that_runs_out_of_memory_leaves_the_model(
    qtbot: QtBot, make_app: MakeApp
) -> None:
    error = AppError("There is not enough memory to answer.", "Close other programs.")
    engine = FakeEngine(fail_after=0, error=error)
    app = make_app(engine)
    app.chat.controller.ask("What?")
    qtbot.waitUntil(lambda: not app.chat.controller.busy, timeout=PATIENCE)
    told = notices(app)
    assert told == ["There is not enough memory to answer."]
    engine.fail_after = None
    assert_it_answers(qtbot, app)


ENTRY = CatalogueEntry(REPOSITORY, "Tiny", "idefics3", "Apache-2.0", 0.001, "For tests.")
NINE_TENTHS = 921_600  # of the file's 1,024,000 bytes


@pytest.fixture
def server() -> Iterator[HubServer]:
    with running_hub() as running:
        yield running
    close_session()


def silent(server: HubServer, _hub: Hub, _patch: pytest.MonkeyPatch) -> None:
    again = Misbehaviour(stall=0)
    server.misbehave("model.safetensors", Misbehaviour(stall=NINE_TENTHS), again, again)


def cut(server: HubServer, _hub: Hub, _patch: pytest.MonkeyPatch) -> None:
    again = Misbehaviour(cut=0)
    server.misbehave("model.safetensors", Misbehaviour(cut=NINE_TENTHS), again, again)


def gone(server: HubServer, _hub: Hub, _patch: pytest.MonkeyPatch) -> None:
    server.server_close()


def answering(status: int) -> Callable[[HubServer, Hub, pytest.MonkeyPatch], None]:
    return lambda server, _hub, _patch: server.misbehave("", Misbehaviour(status))


def full(_server: HubServer, hub: Hub, patch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(hub.cache.parent)._replace(free=150_000_000)
    patch.setattr(shutil, "disk_usage", lambda _path: usage)


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        (cut, "The connection to 127.0.0.1 broke off."),
        (silent, "The connection to 127.0.0.1 broke off."),
        (gone, "127.0.0.1 can't be reached: there is no network, or something blocks it."),
        (answering(401), "127.0.0.1 refused the download (401): the access token is wrong, or"),
        (answering(429), "127.0.0.1 asks to wait: there were too many downloads from here."),
        (full, "Tiny needs 201 MB more on the disk, and 150 MB are free."),
    ],
    ids=["cut at 90 %", "silent at 90 %", "no network", "401", "429", "full disk"],
)
def test_a_download_that_fails(
    qtbot: QtBot,
    make_app: MakeApp,
    server: HubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[HubServer, Hub, pytest.MonkeyPatch], None],
    sentence: str,
) -> None:
    monkeypatch.setattr(model_choice, "read_catalogue", lambda: (ENTRY,))
    hub = Hub(tmp_path / "hub", server.endpoint, timeout_s=1.0, pause_s=0.01, tries=2)
    app = make_app(FakeEngine(), options={"make_hub": lambda: hub})
    happens(server, hub, monkeypatch)
    with qtbot.waitSignal(app.models.list.failed, timeout=PATIENCE):
        app.models.list.download(REPOSITORY)
    (told,) = notices(app)
    assert told.startswith(sentence)
    assert_it_answers(qtbot, app)
