"""doctor, bench, evaluate and faithfulness with a public model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop import cli
from mmgpt_desktop.engine import onnx_runtime
from mmgpt_desktop.errors import NoCard
from mmgpt_desktop.export.export_folder import export
from mmgpt_desktop.export.linear import Precision
from tests.families.checkpoints import smolvlm_settings, tiny_smolvlm

Capture = pytest.CaptureFixture[str]
FEW = ("--tokens", 4, "--rounds", 1)


@pytest.fixture(autouse=True)
def no_graphics_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: NoCard("Off."))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_smolvlm(tmp_path_factory.mktemp("model") / "tiny-smolvlm", head_dim=16)


@pytest.fixture(scope="module")
def graphs(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "tiny-graphs"
    export(checkpoint, out, Precision.FP32, lambda *_: None)
    return out


@pytest.fixture
def run(capsys: Capture) -> Any:
    def call(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


def test_doctor_says_what_a_checkpoint_is(run: Any, checkpoint: Path) -> None:
    code, out, _ = run("doctor", "--model", checkpoint)
    assert code == 0
    assert "Model: tiny-smolvlm of the family smolvlm in" in out
    assert re.search(r"Checkpoint: \d\.\d million parameters, \d+ kB as safetensors\.", out)
    assert "PyTorch (torch), using cpu, float32." in out
    assert "Questions can be answered." in out


def test_doctor_says_what_graphs_are(run: Any, graphs: Path) -> None:
    code, out, _ = run("doctor", "--model", graphs)
    assert code == 0
    names = "vision_encoder.onnx, embed_tokens.safetensors, decoder.onnx"
    assert f"ONNX graphs: {names}; " in out
    assert "Checkpoint" not in out
    assert "ONNX Runtime (onnx-cpu), using CPUExecutionProvider, float32." in out


def test_doctor_says_what_is_wrong_with_a_folder(run: Any, tmp_path: Path) -> None:
    folder = smolvlm_settings(tmp_path / "half")
    code, out, _ = run("doctor", "--model", folder)
    assert code == 1
    assert "Model: The model has no weights as safetensors" in out
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "florence2"}))
    code, out, _ = run("doctor", "--model", folder)
    assert code == 1
    assert "Models of the family florence2 are not known here. These are: gemma3," in out


def test_bench_prints_a_table_of_each_runtime(run: Any, checkpoint: Path, graphs: Path) -> None:
    code, out, err = run("bench", "--model", graphs, *FEW)
    assert code == 0
    assert re.search(r"onnx-cpu, attention +\d+\.\d\d +\d+ +\d+\.\d\n", out)
    assert re.search(r"onnx-cpu, no attention +- +\d+ +\d+\.\d\n", out)
    assert "torch: left out. The model has no weights as safetensors" in err
    code, out, _ = run("bench", "--model", checkpoint, "--runtime", "torch", *FEW)
    assert code == 0
    assert "torch, attention" in out


def test_bench_explains_and_knows_no_fusions(run: Any, graphs: Path) -> None:
    words = ("bench", "--model", graphs, "--runtime", "onnx-cpu", *FEW)
    code, out, _ = run(*words, "--explain")
    assert code == 0
    assert re.search(r"onnx-cpu +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d\n", out)
    code, _, err = run(*words, "--fusion", "graph")
    assert code == 2
    assert err.startswith("A public model has no fusions to choose from.")


def test_bench_prints_the_memory_after_switches(run: Any, graphs: Path, checkpoint: Path) -> None:
    words = ("--model", graphs, "--other", checkpoint, "--tokens", 2)
    code, out, _ = run("bench", "--switches", 2, *words)
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[-1] for line in lines[:3]] == [
        "tiny-graphs",
        "tiny-smolvlm",
        "tiny-graphs",
    ]
    assert re.fullmatch(r"Grown by -?\d+ MB between the first switch and the last\.", lines[-1])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two photos, with questions and a label map."""
    rows, folder = [], tmp_path / "data"
    for number, split in enumerate(["test", "train"]):
        values = np.random.default_rng(number).integers(0, 255, (48, 64, 3)).astype(np.uint8)
        image = f"images/ade20k/ade20k{number}.png"
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(folder / image)
        row = {"image": image, "kind": "scene", "split": split}
        rows.append({**row, "question": "", "answer": "bedroom"})
        labels = np.zeros((24, 32), np.uint8)
        labels[:8, :8] = 2
        (folder / "labels" / "ade20k").mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(folder / "labels" / "ade20k" / f"ade20k{number}.png")
    (folder / "labels" / "ade20k_objects.txt").write_text("Idx\tName\n1\twall\n2\tlamp, light\n")
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def test_a_public_model_is_evaluated(run: Any, graphs: Path, data: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ("--data", data, "--model", graphs, "--json", report, "--limit", 1)
    code, out, _ = run("evaluate", *words)
    assert code == 0
    figures = json.loads(report.read_text())
    assert (figures["model"], figures["version"]) == ("tiny-graphs", "")
    tasks = {row["task"] for row in figures["rows"]}
    assert "scenes (ADE20K)" in tasks
    assert "pointing (ADE20K)" in tasks
    assert "certainty of short answers" not in tasks  # nobody measured it
    assert out.startswith("| task | measure |")


def test_the_maps_of_a_public_model_are_measured(
    run: Any, graphs: Path, data: Path, tmp_path: Path
) -> None:
    report = tmp_path / "maps.json"
    words = ("--data", data, "--model", graphs, "--json", report, "--limit", 1)
    code, _, _ = run("faithfulness", *words)
    assert code == 0
    figures = json.loads(report.read_text())
    assert set(figures["missing"]) == {"rollout", "relevancy", "tam"}
    assert {"heads", "occlusion"} <= {each["way"] for each in figures["figures"]}
