"""`mmgpt-desktop evaluate` and `faithfulness`, from photos to their tables."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmgpt_desktop import cli
from mmgpt_desktop.engine import onnx_runtime
from mmgpt_desktop.errors import NoCard
from mmgpt_desktop.training import wordnet
from tests.tiny_bundle import ANSWER, make_tiny_bundle, read_manifest, write_manifest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
Rows = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(autouse=True)
def no_graphics_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runtime, "cuda_obstacle", lambda: NoCard("Off."))


def write_photo(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(values).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Photos of which everybody says what the tiny bundle says."""
    rows = []
    for number, split in enumerate(["test", "test", "train"]):
        for collection, kind, question, answer in (
            ("flickr8k", "caption", "", ANSWER),
            ("flickr8k", "caption", "", f"There are {number} dogs."),
            ("daquar", "vqa", "what is on the bed", ANSWER.lower() if number else "pillow"),
            ("ade20k", "scene", "", "bedroom"),
            ("flickr8k", "caption-zh", "", "一只狗在跑"),
            ("coco", "vqa", "What is it?", ANSWER.lower()),
            ("coco", "vqa", "Is it red?", "yes"),
            ("flowers102", "label", "", "rose"),
        ):
            image = f"images/{collection}/{collection}{number}.png"
            write_photo(tmp_path / image, number)
            row = {"image": image, "kind": kind, "split": split, "source": collection}
            rows.append({**row, "question": question, "answer": answer})
        label_map = np.zeros((24, 32), np.uint8)
        label_map[:8, :8] = 2
        folder = tmp_path / "labels" / "ade20k"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(label_map).save(folder / f"ade20k{number}.png")
    (tmp_path / "labels" / "ade20k_objects.txt").write_text("Idx\tName\n1\twall\n2\tlamp, light\n")
    translated = {"source": "flickr8k-cn-translated", "answer": "一只狗正在跑。"}
    rows += [{**row, **translated} for row in rows[:8] if row["kind"] == "caption-zh"]
    votes = [
        {"image": row["image"], "question": "What is it?", "answers": {ANSWER.lower(): 2, "x": 8}}
        for row in rows
        if row["question"] == "What is it?"
    ]
    (tmp_path / "vqa_votes.jsonl").write_text("\n".join(map(json.dumps, votes)))
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "texts.jsonl").write_text(lines + "\n")
    return tmp_path


def evaluate(data: Path, model: Path, report: Path, *options: str) -> Rows:
    words = ["--data", data, "--model", model, "--json", report, *options]
    assert cli.main(["evaluate", *map(str, words)]) == 0
    rows = json.loads(report.read_text())["rows"]
    return {(row["task"], row["measure"]): row for row in rows}


def test_the_table_of_a_model_that_always_says_the_same(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_tiny_bundle(tmp_path / "tiny")
    rows = evaluate(data, model, tmp_path / "report.json", "--beams", "2")
    for way in ("greedy", "beam 2"):
        bleu = rows["captions (Flickr8k)", f"BLEU-4, {way}"]
        assert (bleu["items"], bleu["percent"]) == (2, False)
        assert bleu["model"]["value"] == bleu["blind"]["grey picture"]["value"] > 0.99
    human = rows["human questions (DAQUAR)", "exact"]
    assert human["model"]["value"] == human["blind"]["grey picture"]["value"] == 0.5
    assert human["blind"]["most frequent"]["value"] == 0.5
    coco = "human questions (COCO)"
    assert rows[coco, "exact"]["model"]["value"] == 0.5
    votes = rows[coco, "by ten votes"]
    assert (votes["items"], votes["model"]["value"]) == (2, pytest.approx(0.6))
    assert votes["blind"]["grey picture"]["value"] == pytest.approx(0.6)
    assert rows[coco, "exact, the rest"]["model"]["value"] == 1
    assert (coco, "exact, yes or no") not in rows  # nobody voted on it
    assert rows["flowers", "exact"]["items"] == 2
    scenes = rows["scenes (ADE20K)", "exact"]
    assert scenes["model"]["value"] == 0
    assert scenes["blind"]["most frequent"]["value"] == 1
    named = "descriptions (ADE20K)"
    invented = rows[named, "person or animal made up (less is better)"]
    assert (invented["items"], invented["model"]["value"]) == (2, 1)  # a dog beside a lamp
    assert rows[named, "named things that are there"]["model"]["value"] == 0
    assert rows[named, "agreement with the label map"]["model"]["value"] == 0
    other = rows["captions (Flickr8k)", "BLEU-4, greedy, in new words"]
    assert other["model"]["value"] == other["blind"]["usual words"]["value"] > 0.99
    pointing = rows["pointing (ADE20K)", "asked for, first word"]
    assert pointing["items"] == 2
    assert pointing["blind"]["random cell"]["value"] == 1 / 16  # one cell's centre of 4 x 4
    error = rows["certainty of short answers", "expected calibration error"]
    right = rows["certainty of short answers", "right, all answered"]
    assert error["items"] == right["items"] > 4  # those made from the label maps too
    assert right["model"]["value"] == 3 / right["items"]
    out, err = capsys.readouterr()
    assert out.startswith("| task | measure |")
    assert out.count("\n| ") == len(rows) + 1
    assert "questions: " in err


def test_in_chinese_the_same_questions_are_asked_and_captions_stand_beside_people_s(
    data: Path, tmp_path: Path
) -> None:
    model = make_tiny_bundle(tmp_path / "tiny")
    write_manifest(model, {**read_manifest(model), "languages": ["en", "zh"]})
    rows = evaluate(data, model, tmp_path / "report.json", "--beams", "1")
    assert rows["scenes (ADE20K)", "exact, in Chinese"]["items"] == 2
    assert "in English" in rows["flowers", "exact, in Chinese"]["blind"]
    both = rows["questions in Chinese", "mean over tasks"]
    assert both["model"]["value"] == 0  # its one answer is English
    captions = "captions in Chinese (Flickr8K-CN)"
    assert rows[captions, "CIDEr-D over characters"]["items"] == 2
    translated = rows[captions, "ROUGE-L over characters, photos with a translation"]
    assert translated["items"] == 1
    assert translated["model"]["value"] == 0
    assert translated["blind"]["human translation"]["value"] > 0.8


def test_wups_without_wordnet_says_what_is_missing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordnet, "is_installed", lambda: False)
    model = make_tiny_bundle(tmp_path / "tiny")
    rows = evaluate(data, model, tmp_path / "report.json", "--beams", "1")
    assert rows["human questions (DAQUAR)", "WUPS 0.9"]["model"] == "needs wordnet-base"
    assert not any("beam" in measure for _, measure in rows)


def test_the_maps_of_a_model_that_never_needs_the_picture(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, report = make_tiny_bundle(tmp_path / "tiny"), tmp_path / "maps.json"
    words = ["--data", data, "--model", model, "--json", report, "--limit", 0]
    assert cli.main(["faithfulness", *map(str, words)]) == 0
    found = json.loads(report.read_text())
    assert (found["split"], found["fusion"], found["limit"]) == ("test", "graph", None)
    figures = {(figure["way"], figure["measure"]): figure for figure in found["figures"]}
    ways = {way for way, _ in figures}
    assert ways == {"heads", "mean", "no-sinks", "relative", "occlusion", "random", "centre"}
    assert set(found["missing"]) == {"rollout", "relevancy", "tam"}  # there is no PyTorch model
    for way in ways:
        effect = figures[way, "deletion effect"]
        assert effect["items"] == 4  # two things and two descriptions
        assert effect["score"]["value"] == pytest.approx(0, abs=1e-5)
    pointing = figures["occlusion", "pointing game, asked for"]
    assert pointing["score"]["value"] == pytest.approx(1 / 16)  # an even map points everywhere
    out, err = capsys.readouterr()
    assert out.startswith("| method | fall at 20 % (4) |")
    assert "relevancy: left out. " in out
    assert "descriptions: " in err


def test_a_table_of_fewer_maps(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_tiny_bundle(tmp_path / "tiny")
    words = [
        "--data",
        data,
        "--model",
        model,
        "--limit",
        1,
        "--methods",
        "mean",
        "--fusion",
        "concat",
    ]
    assert cli.main(["faithfulness", *map(str, words)]) == 0
    rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()]
    assert [row for row in rows if row.startswith("| ")][2:5] == ["| mean", "| random", "| centre"]


@pytest.mark.parametrize("command", ["evaluate", "faithfulness"])
def test_what_is_missing_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    model = make_tiny_bundle(tmp_path / "tiny")
    words = [command, "--data", str(tmp_path), "--model", str(model)]
    assert cli.main(words) == 2
    assert "holds no texts.jsonl" in capsys.readouterr().err
    assert cli.main([*words, "--fusion", "osmosis"]) == 2
    assert "no fusion called osmosis" in capsys.readouterr().err
    real = builtins.__import__

    def without_training(name: str, *rest: Any) -> Any:
        if name.startswith("mmgpt_desktop.training"):
            raise ModuleNotFoundError("No module named 'pycocoevalcap'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_training)
    assert cli.main(words) == 2
    assert "mmgpt-desktop[training]" in capsys.readouterr().err


WITHOUT = """
import sys
sys.modules["pycocoevalcap"] = None
from mmgpt_desktop import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def test_each_command_needs_its_own_packages_alone(tmp_path: Path) -> None:
    """Caption metrics are for captions: which maps tell the truth is found out without."""
    model = make_tiny_bundle(tmp_path / "tiny")
    words = ["--data", str(tmp_path), "--model", str(model)]
    for command, said in (
        ("faithfulness", "holds no texts.jsonl"),
        ("evaluate", "mmgpt-desktop[training]"),
    ):
        ended = subprocess.run(
            [sys.executable, "-c", WITHOUT, command, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 2
        assert said in ended.stderr


@pytest.mark.data
def test_real_photos(tmp_path: Path) -> None:
    model = make_tiny_bundle(tmp_path / "tiny")
    rows = evaluate(SHARED, model, tmp_path / "report.json", "--limit", "2")
    measures = {task for task, _ in rows}
    assert {"captions (Flickr8k)", "human questions (DAQUAR)", "pointing (ADE20K)"} <= measures
    for row in rows.values():
        assert row["items"] > 0
        if isinstance(row["model"], dict):
            low, value, high = (row["model"][name] for name in ("low", "value", "high"))
            rounding = 1e-9  # two photos drawn in another order
            assert low - rounding <= value <= high + rounding
