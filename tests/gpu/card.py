"""What a graphics card makes of our graphs: checks and a table, in minutes and without a network.

Everything runs by itself; a check that breaks says why, and the next begins. Writes `card.json`
and `card.md` into a folder.

    python -m tests.gpu.card OUT
    python -m tests.gpu.card OUT --dry    # small sizes and nothing judged: does all of it run?
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.embedded import painter_paths
from mmgpt_desktop.engine.bundle_engine import BundleEngine
from mmgpt_desktop.engine.families.registry import checkpoint_torch, family_of
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.folder.checkpoint import open_checkpoint
from mmgpt_desktop.engine.folder.layouts import CARD
from mmgpt_desktop.engine.graphics_card import find_card, free_memory
from mmgpt_desktop.engine.onnx_runtime import import_onnxruntime
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.engine.torch_runtime import TorchRuntime
from mmgpt_desktop.errors import Cancelled
from mmgpt_desktop.export.decoder_graph import build_decoder
from mmgpt_desktop.export.linear import Precision, linears_for
from mmgpt_desktop.imaging.clips import load_photos
from mmgpt_desktop.messages import GenerationRequest, Message, RuntimeName, Sampling, TokenStep
from mmgpt_desktop.model.configuration import FUSIONS
from mmgpt_desktop.painted import PaintOutcome, PaintRequest
from mmgpt_desktop.resources import mini_path, read_samples
from tests.benchmarks.precisions import open_language
from tests.decoders import open_decoder, read_text
from tests.families.tiny import TINY
from tests.gpu.speeds import SIZES, SMALL, speeds
from tests.tiny_pipeline import scheduler_of, turbo, write_pipeline
from tests.torch_answers import answered, told

TOKENS = 40  # greedy ones, that the card must write as the CPU does
NEAR, NEAR_LOGITS = 3e-3, 3e-2  # of attention, and of logits against their largest
CANCELLED = 0.05  # seconds
DRAWN_APART = 8  # of 255, in the mean
NOISE_APART = 25  # the same of random weights, which make much of a rounding
STEADY = 16e6  # bytes on the card after loads and closes
CUDA, CPU = RuntimeName.ONNX_CUDA, RuntimeName.ONNX_CPU


@dataclass
class Finding:
    """One check: `passed` is None where there is nothing to judge."""

    name: str
    passed: bool | None = None
    values: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0


Check = Callable[[bool], Iterator[Finding]]  # told whether it is a dry run


def driver(_dry: bool) -> Iterator[Finding]:
    card, ort = find_card(), import_onnxruntime()
    values = {"onnxruntime": ort.__version__, "card": asdict(card) if card else None}
    yield Finding("driver and card", card is not None, values)


def answers(_dry: bool) -> Iterator[Finding]:
    """mmgpt-mini's, by all fusions: the card's and the CPU's."""
    for fusion in FUSIONS:
        card, cpu = (_steps(name, fusion) for name in (CUDA, CPU))
        pairs = list(zip(card, cpu, strict=False))
        same = [one.token_id for one in card] == [two.token_id for two in cpu]
        sure = max((abs(one.probability - two.probability) for one, two in pairs), default=0.0)
        looked = max((_apart(one, two) for one, two in pairs), default=0.0)
        values = {"tokens": len(cpu), "same": same, "probability": sure, "attention": looked}
        yield Finding(f"mmgpt-mini, {fusion}", same and sure < 1e-3 and looked < 1e-3, values)


def _steps(name: RuntimeName, fusion: str) -> list[TokenStep]:
    engine, steps = BundleEngine(mini_path(), name), list[TokenStep]()
    engine.load()
    try:
        for sample in read_samples():
            (photo,) = load_photos(sample.path, CancelToken())
            words = (Message("user", "What is happening here?"),)
            asked = GenerationRequest(1, (photo,), words, Sampling(0.0), fusion=fusion)
            engine.generate(asked, CancelToken(), steps.append)
            if len(steps) >= TOKENS:
                break
        assert engine.runtime.runtime is name, engine.runtime.note
    finally:
        engine.close()
    return steps


def _apart(one: TokenStep, two: TokenStep) -> float:
    if one.attention is None or two.attention is None:
        return float(one.attention is not two.attention)
    return float(np.abs(one.attention.weights - two.attention.weights).max())


def families(dry: bool) -> Iterator[Finding]:
    """Half precision on the card against float32 on the CPU; fewer bits are told, not judged."""
    kinds = list(TINY)[: 2 if dry else None]
    for kind in kinds:
        for precision in (Precision.FP16, Precision.INT8, Precision.INT4):
            logits, attention, sums = _difference(kind, precision)
            exact = precision is Precision.FP16
            near = logits < NEAR_LOGITS and attention < NEAR and sums < 1e-3
            values = {"logits": logits, "attention": attention, "sums": sums}
            yield Finding(f"{kind}, {precision}", near if exact else None, values)


def _difference(kind: str, precision: Precision) -> tuple[float, float, float]:
    """The largest of the logits, against the largest logit; of the attention; of its sum to 1."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        language = open_language(TINY[kind](folder / "model"))
        spec, plain, card = language.spec, folder / "decoder.onnx", folder / CARD
        build_decoder(spec, language.weights, plain, linears_for(Precision.FP32))
        truth = open_decoder(plain, spec)
        again = folder / "again.onnx"
        build_decoder(spec, language.weights, again, linears_for(precision), card=card)
        text = [token for words in language.measured for token in words][:300]  # a buffer grows
        given = spec, language.table, text, 290
        worst = np.zeros(3)
        for (right, looked), (found, row) in zip(
            read_text(truth, *given),
            read_text(open_decoder(card, spec, cuda=True), *given),
            strict=True,
        ):
            scale = np.abs(right).max()
            worst[0] = max(worst[0], np.abs(found - right).max() / scale)
            if looked is not None and row is not None and not spec.cross_before:
                worst[1] = max(worst[1], np.abs(row - looked).max())
                worst[2] = max(worst[2], np.abs(row.sum(-1) - 1).max())
    return float(worst[0]), float(worst[1]), float(worst[2])


def pytorch(dry: bool) -> Iterator[Finding]:
    """In half precision on the card, our own model in float32, beside float32 on the processor."""
    import torch

    from mmgpt_desktop.engine.torch_device import PRECISIONS, choose_device

    device, dtype = choose_device()
    there = {"device": device.type, "precision": PRECISIONS[dtype], "version": torch.__version__}
    yield Finding("PyTorch's device", device.type == "cuda", there)
    for kind in list(TINY)[: 2 if dry else None]:
        logits, looks = _torch_apart(kind)
        near = logits < 5e-2 and looks < 3e-2
        yield Finding(f"PyTorch, {kind}", near, {"logits": logits, "attention": looks})
    for fusion in FUSIONS:
        apart = _ours_apart(fusion)
        yield Finding(f"PyTorch, mmgpt-mini, {fusion}", max(apart.values()) < 1e-3, apart)
    left = torch.cuda.memory_allocated() if device.type == "cuda" else 0
    yield Finding("PyTorch's memory after closes", left < STEADY, {"left": left})


def _torch_apart(kind: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        checkpoint = open_checkpoint(TINY[kind](Path(name) / "model"))
        runtimes = [checkpoint_torch(checkpoint, card=card) for card in (True, False)]
        found, right = (answered(each, family_of(checkpoint)) for each in runtimes)
        for each in runtimes:
            each.close()
    return found.apart(right)


def _ours_apart(fusion: str) -> dict[str, float]:
    """Shares of the largest value."""
    bundle = open_bundle(mini_path())
    runtimes = [TorchRuntime(bundle, card=card) for card in (True, False)]
    found, right = (told(each, bundle, fusion) for each in runtimes)
    for each in runtimes:
        each.close()
    return {
        what: float(np.abs(found[what] - values).max() / np.abs(values).max())
        for what, values in right.items()
    }


def painters(dry: bool) -> Iterator[Finding]:
    """Their pictures on the card and on the CPU, and how long four take together."""
    for path in painter_paths():
        (card, seconds), (cpu, _) = (_drawn(path, name, dry) for name in (CUDA, CPU))
        pairs = zip(card.paintings, cpu.paintings, strict=True)
        apart = [float(np.abs(a.pixels.astype(int) - b.pixels).mean()) for a, b in pairs]
        values = {"bytes apart": max(apart), "seconds": seconds}
        # Where two codes are as likely to the last bits, another may be drawn.
        yield Finding(path.name, max(apart) < DRAWN_APART, values)


def pipelines(dry: bool) -> Iterator[Finding]:
    """A tiny one of diffusers, in half precision on the card, beside float32 on the processor."""
    schedulers = {"Stable Diffusion": scheduler_of("PNDMScheduler"), "turbo": turbo()}
    for kind, scheduler in schedulers.items():
        with tempfile.TemporaryDirectory() as name:
            path = write_pipeline(Path(name) / "tiny", scheduler)
            (card, seconds), (cpu, _) = (
                _drawn(path, RuntimeName.TORCH, dry, card=each) for each in (True, False)
            )
        one, right = card.paintings[0], cpu.paintings[0]
        apart = float(np.abs(one.pixels.astype(int) - right.pixels).mean())
        maps = float(np.abs(one.drawing.maps - right.drawing.maps).max())
        values = {"bytes apart": apart, "maps apart": maps, "seconds": seconds}
        yield Finding(f"diffusers, {kind}", apart < NOISE_APART and maps < 0.05, values)


def _drawn(
    path: Path, name: RuntimeName, dry: bool, *, card: bool = True
) -> tuple[PaintOutcome, float]:
    """The second time: of the first, much is warming up."""
    painter = PaintEngine(path, name)
    painter.card = card
    painter.load()
    try:
        for _ in "1" if dry else "12":
            began = time.perf_counter()
            request = PaintRequest(1, "a pink rose", seed=3, pictures=1 if dry else 4)
            outcome = painter.paint(request, CancelToken(), lambda _step: None)
            seconds = time.perf_counter() - began
        assert outcome.error is None, outcome.error
        assert outcome.runtime is not None
        assert outcome.runtime.runtime is name, outcome.runtime.note
    finally:
        painter.close()
    return outcome, seconds


def cancelling(_dry: bool) -> Iterator[Finding]:
    """In the middle of a long prompt."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        language = open_language(TINY["smolvlm"](folder / "model"))
        build_decoder(
            language.spec,
            language.weights,
            folder / "decoder.onnx",
            linears_for(Precision.FP16),
            card=folder / CARD,
        )
        decoder, cancel = open_decoder(folder / CARD, language.spec, cuda=True), CancelToken()
        words = np.resize(language.table, (1, 30_000, language.spec.width))
        feeds = decoder.text_feeds(words, 0, logits_from=29_999)
        wanted = threading.Timer(0.02, cancel.cancel)
        wanted.start()
        started = time.perf_counter()
        try:
            decoder.run(feeds, None, 30_000, cancel)
            outcome = "it was done before"
        except Cancelled:
            outcome = "cancelled"
        late = time.perf_counter() - started - 0.02
    quick = late < CANCELLED if outcome == "cancelled" else None
    yield Finding("cancelled in mid-run", quick, {"outcome": outcome, "seconds": late})


def memory(dry: bool) -> Iterator[Finding]:
    """Five loads and closes leave nothing; the first photo takes longer than the second."""
    free = list[int]()
    for _ in range(2 if dry else 5):
        engine = BundleEngine(mini_path(), CUDA)
        engine.load()
        engine.close()
        free.append(free_memory() or 0)
    yield Finding("memory after loads", free[0] - free[-1] < STEADY, {"free": free})
    engine = BundleEngine(mini_path(), CUDA)
    engine.load()
    (photo,) = load_photos(read_samples()[0].path, CancelToken())
    asked = GenerationRequest(1, (photo,), (Message("user", "What is this?"),), Sampling(0.0))
    seconds = [_timed(partial(engine.generate, asked, CancelToken(), lambda _: None)) for _ in "12"]
    engine.close()
    yield Finding("first answer, second answer", None, {"seconds": seconds})


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def hidden(_dry: bool) -> Iterator[Finding]:
    """With no card to be seen the CPU answers."""
    code = "from mmgpt_desktop.cli import main; raise SystemExit(main(['selftest']))"
    environment = {"CUDA_VISIBLE_DEVICES": ""}
    said = _in_process(code, environment)
    yield Finding("no card to be seen", said.returncode == 0, {"said": said.stdout[-400:]})


def _in_process(code: str, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def table(dry: bool) -> Iterator[Finding]:
    for name, sizes in {"tiny": SMALL}.items() if dry else SIZES.items():
        for row in speeds(sizes, tokens=8 if dry else 128, rounds=2 if dry else 5):
            yield Finding(f"{name}: {row.label}", None, row.values())


CHECKS: dict[str, Check] = {
    "driver": driver,
    "answers": answers,
    "families": families,
    "pytorch": pytorch,
    "painters": painters,
    "pipelines": pipelines,
    "cancelling": cancelling,
    "memory": memory,
    "hidden": hidden,
    "table": table,
}


def run(out: Path, *, dry: bool) -> list[Finding]:
    """All checks one after the other; both files are written after each."""
    out.mkdir(parents=True, exist_ok=True)
    found = list[Finding]()
    for name, check in CHECKS.items():
        started = time.perf_counter()
        try:
            for finding in check(dry):
                finding.seconds, started = time.perf_counter() - started, time.perf_counter()
                found.append(finding)
                print(line(finding), flush=True)
        except Exception as error:  # the rest is worth as much
            where = {"traceback": traceback.format_exc()[-2000:]}
            found.append(Finding(name, False, where, f"{type(error).__name__}: {error}"))
            print(line(found[-1]), flush=True)
        write(out, found)
    return found


def line(finding: Finding) -> str:
    mark = {None: "    ", True: "ok  ", False: "FAIL"}[finding.passed]
    shown = {name: value for name, value in finding.values.items() if name != "traceback"}
    return f"{mark} {finding.seconds:6.1f} s  {finding.name}: {finding.error or shown}"


def write(out: Path, found: list[Finding]) -> None:
    data = [asdict(finding) for finding in found]
    (out / "card.json").write_text(json.dumps(data, indent=1, default=str), encoding="utf-8")
    timed = [each for each in found if "tokens/s" in each.values]
    if timed:
        titles = list(timed[0].values)
        rows = [["", *titles], ["---", *["---:"] * len(titles)]]
        rows += [[each.name, *(_cell(each.values[title]) for title in titles)] for each in timed]
        text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
        (out / "card.md").write_text(text + "\n", encoding="utf-8")


def _cell(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.card", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder for card.json and card.md")
    parser.add_argument("--dry", action="store_true", help="small, and nothing is judged")
    options = parser.parse_args()
    found = run(options.out, dry=options.dry)
    broken = [each for each in found if each.error or (each.passed is False and not options.dry)]
    print(f"{len(found)} findings, {len(broken)} bad")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
