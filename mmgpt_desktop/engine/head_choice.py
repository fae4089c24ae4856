"""Which heads of a model look at the thing that it is asked about, learnt once for a model.

Any model can be asked about composed scenes. A head's score is the share of its look that
falls into the box of the thing, the mean over scenes; the share that a look at all cells
alike has there is chance (compare the energy-based pointing game of Wang et al. 2020,
"Score-CAM"). A model's choice is kept as a small JSON file.

Of mmgpt-mini's graph fusion nine scenes choose the same three heads as 1,353 things in photos
with label maps do (training/heads.py): 41, 39 and 37 % of their look, by chance 7 %.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop.decoding import Mistake
from mmgpt_desktop.engine.folder.bundle import head_choice
from mmgpt_desktop.engine.folder.model_files import read_object
from mmgpt_desktop.engine.scenes import Scene, compose
from mmgpt_desktop.errors import AppError, BundleError
from mmgpt_desktop.messages import AttentionMap, Box, HeadChoice, PatchGrid, Photo
from mmgpt_desktop.note import Note
from mmgpt_desktop.writing import write_json

_log = logging.getLogger(__name__)

KEPT = 3
SCENES = 36

Ask = Callable[[Photo, str], Sequence[AttentionMap]]
"""Puts a question about a photo to a model: the attention of its answer's tokens."""


_NONE = (
    "None of its heads (the parts that look) found a named thing better than by luck in "
    "{scenes} test pictures, so all of them are shown together."
)
_LOOK_MOST = (
    "Shown are the {count} of its heads (the parts that look) that look at a named thing most. "
    "In {scenes} test pictures it got {shares} of their look; all places alike would give it "
    "{chance}."
)
_FIND_BEST = (
    "Shown are the {count} of its heads (the parts that look) that find a named thing best. Of "
    "{things} things in photos they found {found}; a place drawn by lot finds {chance}."
)


def find_best(shares: Sequence[float], things: int, chance: float) -> Note:
    """Of heads whose strongest cell lies on a named thing; the shares are 0 to 1."""
    found = ", ".join(f"{100 * share:.0f} %" for share in shares)
    values = {"count": len(shares), "things": things, "found": found}
    return Note(_FIND_BEST, {**values, "chance": f"{100 * chance:.0f} %"})


@dataclass(frozen=True, eq=False)
class HeadReport:
    """`inside` float32 [layer, head] and `chance` are mean shares in the things' boxes, 0 to 1."""

    inside: NDArray[np.float32]
    chance: float
    scenes: int

    def choice(self) -> HeadChoice:
        """The few best heads that beat chance; none stands for all heads together."""
        found = [
            (layer, head)
            for layer, head in strongest(self.inside)
            if self.inside[layer, head] > self.chance
        ]
        if not found:
            return HeadChoice((), Note(_NONE, {"scenes": self.scenes}))
        values = {
            "count": len(found),
            "scenes": self.scenes,
            "shares": ", ".join(f"{100 * self.inside[pair]:.0f} %" for pair in found),
            "chance": f"{100 * self.chance:.0f} %",
        }
        return HeadChoice(tuple(found), Note(_LOOK_MOST, values))


def strongest(scores: NDArray[np.floating]) -> list[tuple[int, int]]:
    """The few (layer, head) pairs with the highest scores [layer, head], best first."""
    order = np.argsort(-scores, axis=None, kind="stable")[:KEPT]
    return [(int(index) // scores.shape[1], int(index) % scores.shape[1]) for index in order]


def score_heads(
    ask: Ask,
    scenes: Iterable[Scene] | None = None,
    on_scene: Callable[[int], None] = lambda _done: None,
) -> HeadReport:
    """Ask about each scene; `on_scene` gets how many are done, and what it raises ends it.

    Raises AppError where no answer came with attention.
    """
    inside, chance = list[NDArray[np.float32]](), list[float]()
    for done, scene in enumerate(scenes or map(compose, range(SCENES))):
        on_scene(done)
        if maps := ask(scene.photo, scene.question):
            covered = cells_in(scene.box, maps[0].grid)
            inside.append(shares_in(maps, covered))
            chance.append(float(covered.mean()))
    if not inside:
        title = "The model gave no attention for the composed pictures."
        raise AppError(title, "Its heads can't be chosen.")
    return HeadReport(np.mean(inside, axis=0), float(np.mean(chance)), len(inside))


def shares_in(maps: Sequence[AttentionMap], covered: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of each head's look that falls on `covered` [cell]: [layer, head].

    The mean over the answer's tokens is looked at; a head that looks nowhere has 0.
    """
    look = np.mean([np.nan_to_num(each.weights.astype(np.float32)) for each in maps], axis=0)
    whole, part = look.sum(axis=-1), look @ covered
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))


def cells_in(box: Box, grid: PatchGrid) -> NDArray[np.float32]:
    """The share of each cell that lies in the box: [cell]."""
    cells = [grid.cell_box(cell) for cell in range(grid.cells)]
    return np.array(
        [_overlap(cell, box) / (cell.width * cell.height) for cell in cells], np.float32
    )


def _overlap(one: Box, other: Box) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(0.0, width) * max(0.0, height)


def save_choice(path: Path, choice: HeadChoice) -> None:
    """As a manifest has it. What can't be kept is found out anew the next time."""
    record = {"heads": [list(pair) for pair in choice.heads], "how": choice.how.stored()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, record)
    except (OSError, AppError) as error:
        _log.warning("what was found out about a model's heads can't be kept: %s", error)


def load_choice(path: Path, layers: int, heads: int) -> HeadChoice | None:
    """What was chosen; None where nothing was, or for a model of another size."""
    try:
        return head_choice(read_object(path), layers, heads)
    except (BundleError, Mistake):
        return None
