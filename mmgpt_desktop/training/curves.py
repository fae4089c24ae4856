"""A run's losses and rewards as a picture, and as lines of JSON.

Both are read from the state that the Trainer writes into each checkpoint, so a run that is
still going on can be looked at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from transformers.trainer_utils import get_last_checkpoint

from mmgpt_desktop.errors import AppError

STAGES = {
    "pretraining": "Pretraining on text",
    "checkpoints": "Training with pictures",
    "rewarding": "Own captions, rewarded",
}
"""The folders of checkpoints in a work folder, and what their runs are called."""
SIZE = (1200, 700)
SHARPNESS = 2
"""Drawn this much larger, then scaled down: Pillow's lines have no smooth edges."""
INK, GRID, PAPER = "#333333", "#e4e4e4", "#ffffff"
COLOURS = ("#9a9a9a", "#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Of training, then of each dev set; told apart by colour-blind people too (Okabe and Ito)."""

Point = tuple[float, float]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Panel:
    """One run: named curves of (step, value), the training's own first."""

    title: str
    curves: Mapping[str, Sequence[Point]]
    measure: str = "loss"


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` lie from pixel `first` to pixel `last`."""

    low: float
    high: float
    first: float
    last: float

    def place(self, value: float) -> float:
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)

    def ticks(self) -> list[float]:
        """About five round values."""
        rough = (self.high - self.low) / 5
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step + 1e-9)
        return [round(number * step, 6) for number in range(first, last + 1)]


def write_curves(work: Path, out: Path) -> Path:
    """Draw the picture `out` and write `work/log.jsonl`; returns the latter."""
    logs = {folder: rows for folder in STAGES if (rows := _history(work / folder))}
    if not logs:
        raise AppError("There is no checkpoint in {path}.", "Train first.", path=work.name)
    log = work / "log.jsonl"
    lines = [json.dumps({"run": run} | dict(row)) for run, rows in logs.items() for row in rows]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw([panel_of(STAGES[run], rows) for run, rows in logs.items()]).save(out)
    return log


def panel_of(title: str, rows: Rows) -> Panel:
    """A run's losses; of a rewarded one the rewards, for its loss compares captions of one
    step with each other and need not fall."""
    if rewards := [(row["step"], row["reward"]) for row in rows if "reward" in row]:
        return Panel(title, {"sampled captions": rewards}, "CIDEr-D")
    return Panel(title, curves_of(rows))


def _history(checkpoints: Path) -> Rows:
    """What the Trainer logged up to the newest checkpoint; empty without one."""
    newest = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
    if newest is None:
        return []
    state = json.loads((Path(newest) / "trainer_state.json").read_text(encoding="utf-8"))
    rows: Rows = state["log_history"]
    return rows


def curves_of(rows: Rows) -> dict[str, list[Point]]:
    """The training's loss, then each dev set's, by step."""
    curves: dict[str, list[Point]] = {"training": []}
    for row in rows:
        for key, value in row.items():
            if key == "loss":
                curves["training"].append((row["step"], value))
            elif key.startswith("eval_") and key.endswith("_loss"):
                name = key.removeprefix("eval_").removesuffix("_loss").replace("_", "-")
                curves.setdefault(f"dev, {name}", []).append((row["step"], value))
    return {name: points for name, points in curves.items() if points}


def draw(panels: Sequence[Panel]) -> Image.Image:
    """The panels side by side."""
    width, height = SIZE[0] * SHARPNESS, SIZE[1] * SHARPNESS
    image = Image.new("RGB", (width, height), PAPER)
    canvas = ImageDraw.Draw(image)
    each = width / len(panels)
    for place, panel in enumerate(panels):
        left, right = place * each + 75 * SHARPNESS, (place + 1) * each - 25 * SHARPNESS
        _draw_panel(canvas, panel, (left, 60 * SHARPNESS, right, height - 65 * SHARPNESS))
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def _draw_panel(
    canvas: ImageDraw.ImageDraw, panel: Panel, box: tuple[float, float, float, float]
) -> None:
    left, top, right, bottom = box
    steps, values = zip(*(point for curve in panel.curves.values() for point in curve), strict=True)
    room = 0.05 * (max(values) - min(values)) or 0.1
    across = Axis(0, max(steps), left, right)
    upward = Axis(min(values) - room, max(values) + room, bottom, top)
    _write(canvas, (left, top - 18 * SHARPNESS), panel.title, 18, "ls")
    _write(canvas, ((left + right) / 2, bottom + 52 * SHARPNESS), "step", 14, "ms")
    _write(canvas, (left - 60 * SHARPNESS, top - 18 * SHARPNESS), panel.measure, 14, "ls")
    for value in upward.ticks():
        y = upward.place(value)
        canvas.line([(left, y), (right, y)], GRID, SHARPNESS)
        _write(canvas, (left - 8 * SHARPNESS, y), f"{value:g}", 13, "rm")
    for value in across.ticks():
        x = across.place(value)
        canvas.line([(x, bottom), (x, bottom + 5 * SHARPNESS)], INK, SHARPNESS)
        _write(canvas, (x, bottom + 10 * SHARPNESS), f"{value:g}", 13, "ma")
    canvas.line([(left, top), (left, bottom), (right, bottom)], INK, SHARPNESS)
    for place, (name, points) in enumerate(panel.curves.items()):
        colour = COLOURS[place % len(COLOURS)]
        pixels = [(across.place(step), upward.place(loss)) for step, loss in points]
        canvas.line(pixels, colour, 2 * SHARPNESS, joint="curve")
        for x, y in pixels if place else ():
            canvas.circle((x, y), 3 * SHARPNESS, colour)
        _legend(canvas, (right, top + (12 + 24 * place) * SHARPNESS), name, colour, points[-1][1])


def _legend(
    canvas: ImageDraw.ImageDraw, corner: Point, name: str, colour: str, last: float
) -> None:
    x, y = corner
    text = f"{name}: {last:.2f}"
    start = x - canvas.textlength(text, _font(14)) - 10 * SHARPNESS
    half = 11 * SHARPNESS
    canvas.rectangle([start - 36 * SHARPNESS, y - half, x, y + half], PAPER)
    canvas.line([(start - 32 * SHARPNESS, y), (start - 8 * SHARPNESS, y)], colour, 3 * SHARPNESS)
    _write(canvas, (start, y), text, 14, "lm")


def _write(canvas: ImageDraw.ImageDraw, at: Point, text: str, size: int, anchor: str) -> None:
    canvas.text(at, text, INK, _font(size), anchor=anchor)


def _font(size: int) -> Any:
    return ImageFont.load_default(size * SHARPNESS)
