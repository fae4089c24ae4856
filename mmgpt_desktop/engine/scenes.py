"""Pictures composed by the program: things at known places, to ask any model about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mmgpt_desktop.messages import Box, Photo

SIDE = 336
PLACES = 3  # along a side; no place holds more than one thing
THINGS = 3
SHAPES = ("circle", "square", "triangle", "star")
COLOURS = {
    "red": (204, 36, 29),
    "green": (46, 139, 60),
    "blue": (38, 84, 196),
    "yellow": (240, 200, 40),
    "black": (20, 20, 20),
    "orange": (236, 126, 32),
}
_SMALLEST, _LARGEST = 0.55, 0.9  # of a place's side


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture of some things, and the one that is asked about."""

    photo: Photo
    name: str  # "red circle"
    box: Box

    @property
    def question(self) -> str:
        return f"Where is the {self.name}?"


def compose(number: int) -> Scene:
    """The same picture for the same number; nine in a row put their thing into all places."""
    rng = np.random.default_rng(number)
    first = number % PLACES**2
    others = rng.permutation([place for place in range(PLACES**2) if place != first])
    shapes, colours = rng.permutation(SHAPES), rng.permutation(list(COLOURS))
    picture = Image.fromarray(_background(rng, number))
    boxes = []
    for place, shape, colour in zip((first, *others), shapes[:THINGS], colours, strict=False):
        boxes.append(_box(rng, int(place)))
        _draw(ImageDraw.Draw(picture), str(shape), COLOURS[str(colour)], boxes[-1])
    pixels = np.array(picture)
    pixels.setflags(write=False)
    name = f"{colours[0]} {shapes[0]}"
    return Scene(Photo(pixels, f"scene-{number}", f"{name}.png"), name, boxes[0])


def _background(rng: np.random.Generator, number: int) -> NDArray[np.uint8]:
    """Plain, a gradient, or noise: light and nearly grey, so that each colour can be told."""
    light = rng.integers(150, 235, 3).astype(np.float64)
    pixels = np.broadcast_to(light, (SIDE, SIDE, 3)).copy()
    if number // PLACES**2 % 3 == 1:
        pixels += np.linspace(-40, 40, SIDE)[:, np.newaxis, np.newaxis]
    elif number // PLACES**2 % 3 == 2:
        pixels += rng.normal(0, 24, (SIDE, SIDE, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _box(rng: np.random.Generator, place: int) -> Box:
    side = SIDE / PLACES
    size = side * rng.uniform(_SMALLEST, _LARGEST)
    row, column = divmod(place, PLACES)
    left, top = np.array([column, row]) * side + rng.uniform(0, side - size, 2)
    return Box(float(left), float(top), float(left + size), float(top + size))


def _draw(draw: ImageDraw.ImageDraw, shape: str, colour: tuple[int, int, int], box: Box) -> None:
    if shape == "circle":
        draw.ellipse((box.left, box.top, box.right, box.bottom), fill=colour)
    elif shape == "square":
        draw.rectangle((box.left, box.top, box.right, box.bottom), fill=colour)
    else:
        corners = [(0.5, 0.0), (1.0, 1.0), (0.0, 1.0)] if shape == "triangle" else _star()
        draw.polygon(
            [(box.left + x * box.width, box.top + y * box.height) for x, y in corners], colour
        )


def _star() -> list[tuple[float, float]]:
    """Five points that fill a box of side 1."""
    turns = np.pi * (np.arange(10) / 5 - 0.5)
    reach = np.where(np.arange(10) % 2, 0.4, 1.0)
    corners = np.stack([reach * np.cos(turns), reach * np.sin(turns)], axis=1)
    corners -= corners.min(axis=0)
    return [(float(x), float(y)) for x, y in corners / corners.max(axis=0)]
