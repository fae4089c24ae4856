from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint, read_checkpoint
from mmgpt_desktop.errors import BundleError
from tests.families.checkpoints import smolvlm_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = smolvlm_settings(tmp_path / "tiny")
    save_file({"a": np.zeros((3, 5), np.float32)}, path / "model.safetensors")
    return path


def test_settings_and_weights_are_read(folder: Path) -> None:
    checkpoint = open_checkpoint(folder)
    assert (checkpoint.name, checkpoint.model_type) == ("tiny", "smolvlm")
    assert checkpoint.weights == (folder / "model.safetensors",)
    assert checkpoint.parameters == 15
    assert checkpoint.image_processor["max_image_size"] == {"longest_edge": 64}
    assert checkpoint.chat_template is not None
    assert checkpoint.generation == {}


def test_pictures_settings_and_template_may_lie_in_the_processors_file(folder: Path) -> None:
    pictures = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    about = {"image_processor": pictures, "chat_template": template}
    (folder / "processor_config.json").write_text(json.dumps(about))
    checkpoint = read_checkpoint(folder)
    assert checkpoint.image_processor == pictures
    assert checkpoint.chat_template == template


def test_the_default_one_of_several_templates_is_taken(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    several = [{"name": "tool", "template": "t"}, {"name": "default", "template": "d"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": several}))
    assert read_checkpoint(folder).chat_template == "d"


def test_a_folder_of_the_hubs_cache_is_called_by_its_repository(folder: Path) -> None:
    cached = folder.parent / "models--owner--Some-VLM" / "snapshots" / "0123abc"
    cached.parent.mkdir(parents=True)
    folder.rename(cached)
    assert open_checkpoint(cached).name == "Some-VLM"


def test_shards_are_looked_at_one_by_one(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    save_file({"b": np.zeros(7, np.float16)}, folder / "model-2.safetensors")
    write_index(folder, "model-1.safetensors", "model-2.safetensors")
    assert open_checkpoint(folder).parameters == 22
    write_index(folder, "model-1.safetensors", "model-3.safetensors")
    assert "model-3.safetensors is missing" in sentence(folder)
    for outside in ("../model-1.safetensors", "/etc/passwd", "a\\b"):
        write_index(folder, outside)
        assert "outside its folder" in sentence(folder)


def write_index(folder: Path, *shards: str) -> None:
    weights = {f"weight{place}": shard for place, shard in enumerate(shards)}
    text = json.dumps({"weight_map": weights})
    (folder / "model.safetensors.index.json").write_text(text)


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])


def shared(folder: Path, begin: int, end: int) -> None:
    """A second tensor at bytes that are the first one's, or too far behind it."""
    places = {"a": [0, 8], "b": [begin, end]}
    entries = {
        name: {"dtype": "F32", "shape": [2], "data_offsets": place}
        for name, place in places.items()
    }
    header = json.dumps(entries).encode()
    data = struct.pack("<Q", len(header)) + header + bytes(max(8, end))
    (folder / "model.safetensors").write_bytes(data)


def only_index(folder: Path, weights: dict[str, object]) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), "holds no model: config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json is not JSON"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "not a JSON object"),
        (lambda folder: (folder / "config.json").write_text("{}"), "does not say its model_type"),
        (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe"), "is not text"),
        (cut, "cut short or too long"),
        (pickled, "no weights as safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"abc"), "no safetensors file"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"[]"),
            "no safetensors file",
        ),
        (lambda folder: shared(folder, 0, 8), "no safetensors file"),
        (lambda folder: shared(folder, 4, 12), "no safetensors file"),
        (lambda folder: shared(folder, 12, 20), "no safetensors file"),
        (lambda folder: only_index(folder, {"a": 7}), "index.json is damaged"),
    ],
)
def test_each_bad_folder_is_one_sentence(
    folder: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(folder)
    assert said in sentence(folder)


def sentence(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        open_checkpoint(folder)
    return str(caught.value)


def test_no_folder_is_one_sentence(tmp_path: Path) -> None:
    assert "There is no model folder" in sentence(tmp_path / "nothing")
    assert "There is no model folder" in sentence(tmp_path / ("x" * 5000))


def test_an_unknown_family_is_named_and_the_known_ones_are_listed(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "mystery_vl"}))
    with pytest.raises(BundleError) as caught:
        family_of(open_checkpoint(folder))
    assert "mystery_vl" in caught.value.title
    assert "smolvlm" in caught.value.hint


def test_a_corrupt_tokenizer_is_one_sentence(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleError, match="tokenizer can't be read"):
        family_of(open_checkpoint(folder))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"tokenizer\.json is missing"):
        family_of(open_checkpoint(folder))
