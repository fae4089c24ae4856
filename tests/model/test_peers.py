"""The table of peers, at a size that takes no time."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import peers, rivals

SMALL = {
    **peers.SIZES,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 100,
}


def test_everyone_says_the_same_with_the_same_weights(tmp_path: Path) -> None:
    weights = peers.random_weights(SMALL)
    table = weights["model.embed_tokens.weight"]
    prompt, said = table[[5, 3, 8, 1]][None], {}
    own = peers.ours(SMALL, weights, tmp_path, 16)
    twins = [each.twin for each in own if each.twin]
    for each in [peers.eager(SMALL, weights), *own, *twins]:
        tokens = [each.feed(prompt, True)]
        for _ in range(4):
            tokens.append(each.feed(table[tokens[-1]][None, None], False))
        said[each.label] = tokens
    exact = [tokens for label, tokens in said.items() if "32" in label or "16" in label]
    assert exact == [said["transformers eager, attention"]] * 4
    assert len(said) == 13


def test_the_table_counts_by_the_clock(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"onnxruntime-genai", "xllamacpp", "gguf"}
    monkeypatch.setattr(peers, "missing", lambda *names: ", ".join(n for n in names if n in others))
    ticks = iter(range(10_000))
    assert peers.run(5, 2, sizes=SMALL, clock=lambda: next(ticks), pictures=False) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if re.search(r" 1\.00 +1\.00 +-", line)]
    assert lines[-2] == "onnxruntime-genai int4: not installed (onnxruntime-genai)."
    assert lines[-1] == "llama.cpp Q4_1: not installed (xllamacpp, gguf)."
    assert len(rows) == 13
    costs = sum("+0.0 % (+0.0 to +0.0)" in row for row in rows)
    assert costs == 6  # those with a twin without attention
    assert "4.0" in rows[0].split()  # four tokens after the prompt's, in a second


def test_without_a_peers_packages_the_others_are_compared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = ("transformers", "torch", "onnxscript", "xllamacpp", "gguf", "onnxruntime-genai")
    monkeypatch.setattr(peers, "missing", lambda *names: ", ".join(n for n in names if n in hidden))
    ticks = iter(range(10_000))
    assert peers.run(5, 1, sizes=SMALL, clock=lambda: next(ticks)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4:] == [
        "transformers: not installed (torch, transformers).",
        "onnxruntime-genai int4: not installed (onnxruntime-genai).",
        "llama.cpp Q4_1: not installed (xllamacpp, gguf).",
        "images: not installed (torch, transformers, onnxscript).",
    ]
    assert sum(line.startswith("ours ") for line in lines) == 12


def test_a_peer_that_lacks_what_its_own_packages_need_is_left_out() -> None:
    def lacks() -> None:
        raise ModuleNotFoundError("No module named 'onnx_ir'", name="onnx_ir")

    def ends() -> None:
        raise subprocess.CalledProcessError(1, ["builder"], stderr=b"Traceback\nNo module: x\n")

    absent = list[str]()
    assert (
        peers.where_installed(absent, "one", lacks)
        is peers.where_installed(absent, "two", ends)
        is None
    )
    assert absent == [
        "one: not installed (onnx_ir).",
        "two: could not be made (No module: x).",
    ]


def fed_by(ticks: Iterator[int], *names: str) -> tuple[list[str], list[peers.Contender]]:
    """What becomes of them in order: r opened, p a prompt, s a step; a step takes a tick."""
    done = list[str]()

    def feed(name: str, embeddings: np.ndarray, new: bool) -> int:
        done.append(name + ("p" if new else "s"))
        next(ticks)
        return 0

    def renew(name: str) -> None:
        done.append(name + "r")

    return done, [
        peers.Contender(name, partial(feed, name), renew=partial(renew, name)) for name in names
    ]


def test_an_answer_is_given_in_one_go() -> None:
    ticks = itertools.count()
    done, (contender,) = fed_by(ticks, "a")
    table, prompt = np.zeros((20, 4), np.float32), np.array([3, 4])
    speed = peers.answer(contender, table, prompt, 4, lambda: next(ticks))
    assert done == ["ar", "ap", "ap", "as", "as", "as"]
    assert speed == rivals.Speed(prefill=2, decode=4)


def test_twins_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a busy second hurts both, and not what attention seems to cost."""
    ticks = itertools.count()
    done, group = fed_by(ticks, "a", "b")
    table, prompt = np.zeros((20, 4), np.float32), np.array([3, 4])
    monkeypatch.setattr(peers, "TURN", 2)
    seconds = peers.turns(group, table, prompt, 4, lambda: next(ticks))
    assert done == ["ap", "bp", "as", "as", "bs", "bs", "as", "bs"]
    assert seconds == [3 + 2, 3 + 2]


def test_what_attention_costs_has_an_interval() -> None:
    _, (dear, cheap) = fed_by(itertools.count(), "x, attention", "x, no attention")
    dear.turns, cheap.turns, dear.twin = [1.0, 1.1, 1.02, 1.2], [1.0] * 4, cheap
    assert peers.cost(dear) == "+6.0 % (+0.0 to +20.0)"
    assert peers.cost(cheap) == ""


def test_what_is_not_installed_is_named() -> None:
    assert rivals.missing("numpy", "no-such-package") == "no-such-package"


def test_an_image_is_encoded_by_all_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
             "num_attention_heads": 2, "image_size": 64, "patch_size": 16}  # fmt: skip
    monkeypatch.setattr(peers, "VISION", small)
    encoders = peers.encoders_of(tmp_path)
    parts = encoders["transformers"]().pooler_output
    expected = np.concatenate([part.numpy().reshape(-1, 576) for part in parts])
    for precision, tolerance in (("fp32", 1e-4), ("int8", 0.1)):
        (found,) = encoders[precision]()
        np.testing.assert_allclose(found, expected, atol=tolerance)


def test_the_option_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[int, int]]()

    def run(tokens: int, rounds: int) -> int:
        asked.append((tokens, rounds))
        return 0

    monkeypatch.setattr(peers, "run", run)
    monkeypatch.setattr(sys, "argv", ["peers", "--tokens", "8", "--rounds", "3"])
    assert peers.main() == 0
    assert asked == [(8, 3)]


def test_graphs_without_attention_share_the_weights(tmp_path: Path) -> None:
    peers.ours(SMALL, peers.random_weights(SMALL), tmp_path, 16)
    assert len(list(tmp_path.glob("*.bare.onnx"))) == 6
    assert len(list(tmp_path.glob("*.data"))) == 7  # one more: the prompt's
