"""Teaching a bundle one's own rows, with a tiny model."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image

from mmgpt_desktop import cli
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.engine.folder.bundle import Certainty, open_bundle
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.model import MMGPTForConditionalGeneration
from mmgpt_desktop.model.configuration import FUSIONS
from mmgpt_desktop.model.packing import WEIGHTS, load_packed, save_packed
from mmgpt_desktop.training import finetune as stage
from mmgpt_desktop.training.embedded_bundle import write_manifest
from mmgpt_desktop.training.embedded_graphs import decoder_graph, encoder_graph
from mmgpt_desktop.training.finetune import Change, ExactAnswers, read_rows, teach
from mmgpt_desktop.training.head_scores import HeadScores

COLOURS = ("red", "blue")


@pytest.fixture
def bundle(tiny_model: MMGPTForConditionalGeneration, tiny_tokenizer: Path, tmp_path: Path) -> Path:
    """A bundle whose graphs are empty files: teaching copies them unread."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    save_packed(tiny_model, folder)
    (folder / "tokenizer.json").write_bytes(tiny_tokenizer.read_bytes())
    for fusion in FUSIONS:
        (folder / encoder_graph(fusion)).write_bytes(b"encoder")
        (folder / decoder_graph(fusion)).write_bytes(b"decoder")
    heads = dict.fromkeys(FUSIONS, HeadScores([[0.1, 0.4], [0.3, 0.2]], 0.05, 10))
    write_manifest(folder, tiny_model.config, heads, Certainty(1.0, 0.3, 0.2))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["image"]["size"] = 64
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def write_rows(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, ["image", "question", "answer"])
        table.writeheader()
        table.writerows(rows)


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    folder = tmp_path / "examples"
    folder.mkdir()
    rows = []
    for number in range(10):
        name = COLOURS[number % 2]
        Image.new("RGB", (40, 30), name).save(folder / f"{number}.png")
        rows.append({"image": f"{number}.png", "question": "Is it red?", "answer": name})
    write_rows(folder, rows)
    return folder


def test_a_taught_bundle_is_whole_and_has_learned(
    bundle: Path, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "GENERAL", ("What is it?",))
    monkeypatch.setattr(stage, "EXAMINED", ("Is there a tree?",))
    monkeypatch.setattr(stage, "ANSWER_TOKENS", 4)
    shares: list[float] = []
    target = tmp_path / "models" / "taught"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Trainer's own
        report = teach(
            examples, bundle, target, steps=30, progress=lambda share, _: shares.append(share)
        )
    opened = open_bundle(target)
    opened.verify(lambda _: None, CancelToken())
    assert opened.manifest.name == "taught"
    assert (report.rows, report.taught.rows, report.apart.rows) == (8, 8, 2)
    assert report.examined == 6  # of the sample photos
    assert opened.manifest.languages == ("en",)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    before, after = (load_packed(each).state_dict() for each in (bundle, target))
    assert torch.equal(before["encoder.stem.1.weight"], after["encoder.stem.1.weight"])
    assert not torch.equal(before["embedding.weight"], after["embedding.weight"])
    assert str(report) in (target / "README.md").read_text(encoding="utf-8")
    assert list(target.parent.iterdir()) == [target]  # no draft is left


def test_the_report_tells_what_was_learnt_and_what_forgotten() -> None:
    changed = (Change("Is there a tree?", "no", "yes"),)
    learnt, unknown = ExactAnswers(8, 0.0, 1.0), ExactAnswers(2, 0.0, 0.0)
    said = str(stage.TeachingReport(8, learnt, unknown, 36, changed))
    assert "of the 8 rows that it was taught, 0 % were answered exactly before, 100 % now" in said
    assert "of 2 rows about photos that it was not taught, 0 % were" in said
    assert "by heart" in said
    assert "35 answers are the same, 1 have changed" in said
    assert "Is there a tree? Before: “no” Now: “yes”" in said
    better = str(
        stage.TeachingReport(400, ExactAnswers(100, 0.1, 0.9), ExactAnswers(2, 0.0, 0.5), 36, ())
    )
    assert "of 100 rows that it was taught" in better
    assert "by heart" not in better
    alone = str(stage.TeachingReport(8, learnt, ExactAnswers(0, 0.0, 0.0), 36, ()))
    assert "how it does on new ones is unknown" in alone


@pytest.mark.parametrize(
    ("known", "questions", "now"),
    [
        (["en"], ["What is it?", "这是什么"], ["en", "zh"]),
        (["en"], ["What is it?"], ["en"]),
        (["en"], ["ይህ ምንድን ነው?"], []),  # in a script that is unknown here
        ([], ["这是什么"], []),
    ],
)
def test_a_model_knows_the_languages_that_it_was_taught_in(
    known: list[str], questions: list[str], now: list[str]
) -> None:
    assert stage.languages(known, questions) == now


def test_the_help_says_how_many_rows_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["teach", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert said.count(f"at least {stage.FEWEST_ROWS} rows") == 2
    assert "what was forgotten" in said


def test_what_is_examined_for_forgetting_was_not_rehearsed() -> None:
    assert not set(stage.GENERAL) & set(stage.EXAMINED)


def test_a_folder_that_is_there_is_never_overwritten(bundle: Path, examples: Path) -> None:
    with pytest.raises(AppError, match="is there already"):
        teach(examples, bundle, bundle)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"image": "0.png", "question": "", "answer": "red"}, "Row 9 of rows.csv has no question"),
        ({"image": "../0.png", "question": "What?", "answer": "red"}, "outside the folder"),
    ],
)
def test_a_bad_row_is_named(examples: Path, row: dict[str, str], sentence: str) -> None:
    rows = [{"image": f"{i}.png", "question": "Is it?", "answer": "red"} for i in range(8)]
    write_rows(examples, [*rows, row])
    with pytest.raises(AppError, match=sentence):
        read_rows(examples)


def test_a_folder_without_a_table_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r"rows\.csv"):
        read_rows(tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"image": "a.png"', encoding="utf-8")
    with pytest.raises(AppError, match="can't be read"):
        read_rows(tmp_path)
    write_rows(tmp_path, [{"image": "a.png", "question": "What?", "answer": "a"}])
    with pytest.raises(AppError, match="at least 8"):
        read_rows(tmp_path)


TABLE = "image,question,answer\n" + "".join(f"图{i}.png,这是什么,红色\n" for i in range(8))


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.replace("\n", "\r\n").encode("gb2312"),  # Excel's CSV on Chinese Windows
        TABLE.replace(",", ";").encode("utf-8-sig"),  # ... where numbers have commas
        TABLE.replace(",", "\t").encode("utf-16"),  # ... its "Unicode text"
        TABLE.replace("image,question", "Image, Question ").encode(),
    ],
)
def test_a_table_is_read_as_spreadsheet_programs_save_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "rows.csv").write_bytes(data)
    rows = read_rows(tmp_path)
    assert len(rows) == 8
    assert rows[0] == {"image": "图0.png", "question": "这是什么", "answer": "红色"}


def test_a_table_in_an_older_western_code_is_not_taken_for_chinese(tmp_path: Path) -> None:
    table = TABLE.replace("红色", "café été").replace("图", "p").replace("这是什么", "Où?")
    (tmp_path / "rows.csv").write_bytes(table.encode("cp1252"))
    with pytest.raises(AppError, match=r"not UTF-8 text.*CSV UTF-8"):
        read_rows(tmp_path)


def test_the_weights_lie_where_the_graphs_look(bundle: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    save_packed(load_packed(bundle), again)
    size = int.from_bytes((bundle / WEIGHTS).read_bytes()[:8], "little")
    assert (again / WEIGHTS).read_bytes()[: 8 + size] == (bundle / WEIGHTS).read_bytes()[: 8 + size]
