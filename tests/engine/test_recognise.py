"""What people choose as a model is opened, or named for what it is."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.engine.folder.recognise import model_folder
from mmgpt_desktop.engine.open_engine import fusions_of, open_engine
from mmgpt_desktop.errors import BundleError
from mmgpt_desktop.hub.local import check_folder
from tests.families.checkpoints import smolvlm_settings

POINTER = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 515093104\n"
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = smolvlm_settings(tmp_path / "tiny")
    save_file({"a": np.zeros((3, 5), np.float32)}, path / "model.safetensors")
    return path


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def sentence(path: Path) -> str:
    """What is said of a folder, wherever it is given; a stranger's model is not the app's."""
    said = set()
    for look in (
        lambda: open_engine(path).load(),
        lambda: check_folder(path),
        lambda: fusions_of(path) and open_checkpoint(path),
    ):
        with pytest.raises(BundleError) as caught:
            look()
        said.add(str(caught.value))
    assert len(said) == 1
    (found,) = said
    assert "\n" not in found
    assert "Install the app" not in found
    return found


def config(**settings: object) -> str:
    return json.dumps(settings)


QWEN = config(model_type="qwen2_5_vl", text_config={}, vision_config={})
NO_MODELS: dict[str, tuple[dict[str, str | bytes], str]] = {
    "nothing": ({}, "is empty: it holds no model"),
    "holiday": ({"photo.txt": "holiday"}, "holds no model: config.json is missing"),
    "lora": (
        {"adapter_config.json": config(base_model_name_or_path="me/Base", peft_type="LORA")},
        "an adapter (LoRA) for me/Base, and not the whole model. Merge both",
    ),
    "adapter of another kind": (
        {"adapter_config.json": config(peft_type="IA3")},
        "an adapter (IA3) for another model, and not the whole model. Merge both",
    ),
    "adapter that can't be merged": (
        {"adapter_config.json": config(peft_type="PREFIX_TUNING")},
        "an adapter (PREFIX_TUNING) for another model, and not the whole model. Choose a whole",
    ),
    "adapter's weights alone": ({"adapter_model.safetensors": b"x"}, "an adapter (LoRA)"),
    "diffusers' adapter": ({"pytorch_lora_weights.safetensors": b"x"}, "an adapter (LoRA)"),
    "gguf": ({"model-Q4_K_M.gguf": b"GGUF"}, "for llama.cpp (GGUF)"),
    "gguf with settings": ({"config.json": QWEN, "q4.gguf": b"GGUF"}, "for llama.cpp (GGUF)"),
    "gguf in a folder": ({"README.md": "x", "q4/model.gguf": b"GGUF"}, "for llama.cpp (GGUF)"),
    "genai": ({"genai_config.json": "{}", "model.onnx": b""}, "for ONNX Runtime GenAI"),
    "genai deep": ({"cpu/int4/genai_config.json": "{}"}, "for ONNX Runtime GenAI"),
    "diffusers": (
        {"model_index.json": "{}", "unet/config.json": config(model_type="x")},
        "a diffusers model",
    ),
    "openvino": ({"config.json": QWEN, "openvino_language_model.xml": "<net/>"}, "for OpenVINO"),
    "core ml": ({"FastVLM.mlpackage/Manifest.json": "{}"}, "for Core ML"),
    "lite": ({"config.json": QWEN, "model.tflite": b""}, "for LiteRT"),
    "mlc": ({"mlc-chat-config.json": "{}", "params_shard_0.bin": b""}, "for MLC"),
    "ollama": ({"manifests/x": "{}", "blobs/sha256-0123": b"GGUF"}, "for Ollama"),
    "keras": ({"config.json": QWEN, "tf_model.h5": b""}, "for TensorFlow"),
    "pickle": ({"config.json": QWEN, "pytorch_model.bin": b"PK"}, "pytorch_model.bin, which may"),
    "pickles": ({"model.pt": b"PK"}, "model.pt, which may run a stranger's code"),
    "ckpt": ({"epoch=3.ckpt": b"PK"}, "epoch=3.ckpt, which may run a stranger's code"),
    "compares": ({"modules.json": "[]", "config.json": "{}"}, "compares texts"),
    "text": ({"config.json": config(model_type="qwen3")}, "of the family qwen3) reads text alone"),
    "new text": (
        {"config.json": config(model_type="novel", architectures=["NovelForCausalLM"])},
        "of the family novel) reads text alone",
    ),
    "unknown": ({"config.json": config(model_type="qwen3_5")}, "family qwen3_5 are not known"),
    "weights": ({"wan-vae.safetensors": b""}, "config.json is missing beside its weights"),
    "packed": ({"model.zip": b"PK"}, "no model that is unpacked, only model.zip"),
    "coming": ({"config.json": QWEN, "model.safetensors.crdownload": b""}, "has not ended"),
    "stranger's manifest": (
        {"manifest.json": config(chunk_size="90M", files=[]), "photo.txt": "x"},
        "holds no model: config.json is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_MODELS)
def test_a_folder_that_is_no_model_is_named_for_what_it_is(tmp_path: Path, name: str) -> None:
    files, said = NO_MODELS[name]
    assert said in sentence(fill(tmp_path / "chosen", files))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.safetensors", "it is a single file. Choose the folder that it lies in"),
        ("model.zip", "model.zip is a packed file"),
        ("model.gguf", "model.gguf is a model for llama.cpp (GGUF)"),
        ("model.pth", "model.pth may run a stranger's code"),
    ],
)
def test_a_single_file_is_no_folder(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert said in sentence(tmp_path / name)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "There is no model folder" in sentence(tmp_path / "gone")
    assert "There is no model folder" in sentence(tmp_path / ("x" * 5000))


def cached(model: Path, name: str, commit: str = "0123abc", ref: str = "main") -> Path:
    root = model.parent / name
    shutil.copytree(model, root / "snapshots" / commit)
    (root / "refs").mkdir(exist_ok=True)
    (root / "refs" / ref).write_text(commit)
    return root


def test_a_repository_of_the_hubs_cache_opens_by_its_refs(model: Path) -> None:
    root = cached(model, "models--me--tiny", "newest")
    shutil.copytree(model, root / "snapshots" / "another")
    assert model_folder(root) == root / "snapshots" / "newest"
    assert open_checkpoint(root).name == "tiny"
    assert fusions_of(root) == ("concat",)
    check_folder(root)
    for part in ("refs", "snapshots"):
        assert model_folder(root / part) == root / "snapshots" / "newest"
    (root / "refs" / "main").write_text("a commit that is gone")
    assert model_folder(root).parent == root / "snapshots"
    assert model_folder(root).is_dir()


def test_a_repository_without_main_opens_by_another_ref(model: Path) -> None:
    root = cached(model, "models--me--tiny", "first", ref="v1.0")
    assert model_folder(root) == root / "snapshots" / "first"


def test_a_repository_of_data_or_of_a_program_is_named(model: Path) -> None:
    assert "me/photos is a data set" in sentence(cached(model, "datasets--me--photos"))
    assert "me/demo is a program" in sentence(cached(model, "spaces--me--demo"))


def test_a_repository_whose_download_has_not_ended_says_so(tmp_path: Path) -> None:
    root = tmp_path / "models--me--tiny"
    fill(root, {"blobs/0123.incomplete": b"", "refs/main": "0123", "snapshots/0123/.keep": b""})
    assert "The download of me/tiny has not ended" in sentence(root)


def test_a_folder_of_one_model_is_that_and_of_several_names_them(model: Path) -> None:
    hub = model.parent / "huggingface" / "hub"
    hub.mkdir(parents=True)
    cached(model, "models--me--tiny").rename(hub / "models--me--tiny")
    fill(hub, {"datasets--me--data/snapshots/0/x.txt": "x", "version.txt": "1"})
    for place in (hub, hub.parent):
        assert model_folder(place) == hub / "models--me--tiny" / "snapshots" / "0123abc"
    cached(model, "models--you--other").rename(hub / "models--you--other")
    assert "several models: me/tiny, you/other." in sentence(hub)


def test_a_folder_beside_it_that_is_not_ours_to_look_at_keeps_no_model_from_opening(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = model.parent / "disk"
    (disk / "lost+found").mkdir(parents=True)
    shutil.copytree(model, disk / "tiny")
    is_dir = Path.is_dir

    def asked(path: Path) -> bool:
        if path.parent.name == "lost+found":
            raise PermissionError(13, "Permission denied")
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", asked)
    assert model_folder(disk) == disk / "tiny"


def test_the_cache_of_modelscope_opens(model: Path) -> None:
    place = model.parent / "modelscope" / "hub" / "models" / "Qwen" / "Tiny"
    place.parent.mkdir(parents=True)
    shutil.copytree(model, place)
    assert model_folder(model.parent / "modelscope") == place


def test_a_model_that_was_unpacked_into_a_folder_of_its_own(model: Path) -> None:
    outer = model.parent / "unpacked"
    outer.mkdir()
    inner = Path(model.rename(outer / "tiny"))
    fill(outer / "__MACOSX", {"config.json": '{"editor": "x"}'})
    assert model_folder(outer) == inner


def test_a_strangers_manifest_beside_a_model_is_let_be(model: Path) -> None:
    (model / "manifest.json").write_text('{"format": "OCI", "files": [1]}')
    assert fusions_of(model) == ("concat",)
    check_folder(model)


def pointed(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(POINTER)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model.safetensors", "preprocessor_config.json"]
)
def test_a_clone_without_git_lfs_says_so(model: Path, name: str) -> None:
    (model / name).write_text(POINTER)
    for look in (lambda: open_engine(model).load(), lambda: check_folder(model)):
        with pytest.raises(BundleError, match=f"{name} is not here yet.*Git LFS pointer"):
            look()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<!DOCTYPE html><html>Log in</html>", "is a web page"),
        (b"GGUF\x03\x00\x00\x00" + bytes(90), "is a GGUF file"),
        (b"PK\x03\x04" + bytes(90), "is a pickle"),
        (b"\x80\x02}q\x00" + bytes(90), "is a pickle"),
    ],
)
def test_weights_that_are_something_else(model: Path, data: bytes, said: str) -> None:
    (model / "model.safetensors").write_bytes(data)
    with pytest.raises(BundleError, match=said):
        open_checkpoint(model)


QUANTISED: list[tuple[dict[str, object], str]] = [
    ({"quantization_config": {"quant_method": "awq", "bits": 4}}, r"4 bits each \(AWQ\)"),
    ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, r"4 bits each \(GPTQ\)"),
    ({"quantization_config": {"quant_method": "eetq", "bits": 4}}, r"4 bits each \(EETQ\)"),
    ({"quantization_config": {"quant_method": "exl2", "bits": 4}}, r"4 bits each \(EXL2\)"),
    ({"quantization_config": {"quant_method": "hqq", "quant_config": {}}}, "HQQ"),
    ({"quantization_config": {"load_in_8bit": True}}, r"8 bits each \(bitsandbytes\)"),
    ({"quantization_config": {"quant_method": "fp8"}}, r"fewer bits \(FP8\)"),
    ({"quantization_config": {"quant_method": "compressed-tensors"}}, "compressed-tensors"),
    ({"quantization_config": {"quant_method": "quanto", "weights": "int4"}}, "Quanto"),
    ({"quantization_config": {"quant_method": "newest<b>"}}, "newest"),
    ({"quantization_config": "int4"}, "int4"),
    ({"quantization": {"group_size": 64, "bits": 4}}, r"4 bits each \(MLX\)"),
    ({"text_config": {"quantization_config": {"quant_method": "awq"}}}, "AWQ"),
]


@pytest.mark.parametrize(("settings", "said"), QUANTISED)
def test_packed_weights_are_named_in_one_sentence(
    model: Path, settings: dict[str, object], said: str
) -> None:
    known = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(known | settings))
    with pytest.raises(BundleError, match=f"weights are stored in .*{said}.*") as caught:
        open_engine(model).load()
    for advice in ("pip", "install", "runtime"):
        assert advice not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"), [("a.qweight", "GPTQ or AWQ"), ("a.SCB", "bitsandbytes"), ("a.W_q", "HQQ")]
)
def test_packed_weights_that_no_setting_names(model: Path, name: str, said: str) -> None:
    save_file({name: np.zeros(3, np.int32)}, model / "model.safetensors")
    with pytest.raises(BundleError, match=said):
        open_checkpoint(model)
    save_file({"a": np.zeros(3, np.float32)}, model / "model.safetensors", {"format": "mlx"})
    with pytest.raises(BundleError, match="MLX"):
        open_checkpoint(model)
    save_file({"a": np.zeros(3, np.float32)}, model / "model.safetensors")
    (model / "quantize_config.json").write_text('{"bits": 8}')
    with pytest.raises(BundleError, match=r"8 bits each \(GPTQ\)"):
        open_checkpoint(model)


@pytest.mark.parametrize(
    "shape", ["1," * 300_000 + "1", "9" * 30, "-1", "1.5", '"3"', "true", "[]", "4"]
)
def test_a_shape_that_no_tensor_has_is_damage(model: Path, shape: str) -> None:
    entry = f'{{"a":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,12]}}}}'.encode()
    data = struct.pack("<Q", len(entry)) + entry + bytes(12)
    (model / "model.safetensors").write_bytes(data)
    with pytest.raises(BundleError, match="no safetensors file"):
        open_checkpoint(model)
