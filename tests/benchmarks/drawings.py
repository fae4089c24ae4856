"""Draws some prompts into one sheet, for the documents and for our eyes.

python -m tests.benchmarks.drawings out.webp "a yellow rose" "红色的玫瑰" --pictures 2
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.embedded import FLOW
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.painted import MOST_PICTURES, PaintRequest
from mmgpt_desktop.resources import resource_path

TWENTY = (
    *("a yellow sunflower", "a pink rose", "a red poppy", "a purple iris", "a white water lily"),
    *("an orange marigold", "a blue shirt", "a black dress", "a red t-shirt", "a white hat"),
    *("grey trousers", "a brown dog on grass", "a black dog runs on a beach", "a red apple"),
    *("green peppers", "bananas", "a laptop", "a watch", "a pink flower with green leaves"),
    "a man in a red shirt",
)
_EDGE, _TEXT, _GAP = 160, 18, 5


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("prompts", nargs="*", default=list(TWENTY))
    parser.add_argument("--painter", type=Path, default=resource_path("models", FLOW))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=2, choices=range(1, MOST_PICTURES + 1))
    parser.add_argument("--columns", type=int, default=5, help="of prompts")
    options = parser.parse_args(arguments)
    painter = PaintEngine(options.painter)
    painter.load()
    tiles = [_tile(painter, each, options) for each in options.prompts]
    painter.close()
    width, height = tiles[0].size
    rows = -(-len(tiles) // options.columns)
    size = options.columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP
    sheet = Image.new("RGB", size, "white")
    for number, tile in enumerate(tiles):
        row, column = divmod(number, options.columns)
        sheet.paste(tile, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
    sheet.save(options.out, quality=70)
    return 0


def _tile(painter: PaintEngine, prompt: str, options: argparse.Namespace) -> Image.Image:
    """A prompt's pictures side by side, and the prompt below."""
    request = PaintRequest(0, prompt, options.seed, options.pictures)
    outcome = painter.paint(request, CancelToken(), lambda _step: None)
    if outcome.error is not None:
        raise outcome.error
    drawn = np.concatenate([each.pixels for each in outcome.paintings], axis=1)
    tile = Image.new("RGB", (_EDGE * options.pictures, _EDGE + _TEXT), "white")
    tile.paste(Image.fromarray(drawn).resize((tile.width, _EDGE), Image.Resampling.BICUBIC))
    font = ImageFont.load_default(12)
    ImageDraw.Draw(tile).text((2, _EDGE + 3), prompt, "black", font)
    return tile


if __name__ == "__main__":
    sys.exit(main())
