"""A run's losses and rewards as a picture, and as lines of JSON.

Both are read from the state that the Trainer writes into each checkpoint, so a run that is
still going on can be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers.trainer_utils import get_last_checkpoint

from mmgpt_desktop.errors import AppError

STAGES = {
    "pretraining": "Pretraining on text",
    "checkpoints": "Training with pictures",
    "rewarding": "Own captions, rewarded",
}
"""The folders of checkpoints in a work folder, and what their runs are called."""
SIZE, DPI = (1200, 700), 100
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


def write_curves(work: Path, out: Path) -> Path:
    """Draw the picture `out` and write `work/log.jsonl`; returns the latter."""
    logs = {folder: rows for folder in STAGES if (rows := _history(work / folder))}
    if not logs:
        raise AppError("There is no checkpoint in {path}.", "Train first.", path=work.name)
    log = work / "log.jsonl"
    lines = [json.dumps({"run": run} | dict(row)) for run, rows in logs.items() for row in rows]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw([panel_of(STAGES[run], rows) for run, rows in logs.items()], out)
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


def draw(panels: Sequence[Panel], picture: Path) -> None:
    """The panels side by side, as a PNG of `SIZE`."""
    from matplotlib.figure import Figure

    figure = Figure((SIZE[0] / DPI, SIZE[1] / DPI), dpi=DPI, layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        axes.set_prop_cycle(color=COLOURS)
        for number, (name, points) in enumerate(panel.curves.items()):
            marker = "o" if number or len(points) == 1 else None  # the dev sets are few points
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, marker=marker, label=f"{name}: {points[-1][1]:.2f}")
        axes.set(title=panel.title, xlabel="step", ylabel=panel.measure)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.4)
        axes.legend(frameon=False)
    figure.savefig(picture, format="png")
