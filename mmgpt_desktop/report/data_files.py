"""A report as data: JSON for what can be read, NPZ for the numbers of its maps."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmgpt_desktop import __version__
from mmgpt_desktop.messages import CellMaps
from mmgpt_desktop.report.report import Report

FORMAT = 1


def as_json(report: Report, arrays: str) -> bytes:
    """UTF-8; `arrays` is the name of the file beside it that holds `as_npz`."""
    return (json.dumps(_object(report, arrays), indent=2, allow_nan=False) + "\n").encode()


def as_npz(report: Report) -> bytes:
    """Needs no pickle to be read.

    `token_ids` int64 [token], `probabilities` float64 [token], `maps_METHOD` float32
    [token, row, column] with NaN where nothing was measured; and where the answer came with
    attention `attention` float16 [token, layer, head, cell], what went to the encoder's
    names `elsewhere` and what was copied from them `copied`, both float32 [token].
    """
    arrays: dict[str, NDArray[Any]] = {
        "token_ids": np.array([step.token_id for step in report.turn.steps], np.int64),
        "probabilities": np.array([step.probability for step in report.turn.steps]),
    }
    for maps in report.maps:
        arrays[_array_name(maps)] = maps.weights
    if attention := report.attention:
        arrays["attention"] = np.stack([each.weights for each in attention])
        arrays["elsewhere"] = np.array([each.elsewhere for each in attention], np.float32)
        arrays["copied"] = np.array([each.copied for each in attention], np.float32)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _object(report: Report, arrays: str) -> dict[str, Any]:
    photo, outcome, runtime = report.photo, report.outcome, report.outcome.runtime
    sizes = {"layers": report.fusion.image_layers, "heads": report.fusion.heads}
    return {
        "format": FORMAT,
        "program": f"MMGPT Desktop {__version__}",
        "photo": {
            "name": photo.name,
            "id": photo.image_id,
            "width": photo.width,
            "height": photo.height,
        },
        "messages": [asdict(message) for message in report.turn.request.messages],
        "question": report.question,
        "answer": report.answer,
        "certainty": outcome.certainty,
        "hedge": outcome.hedge,
        "tokens": [
            {"id": step.token_id, "text": step.text, "probability": step.probability}
            for step in report.turn.steps
        ],
        "words": [asdict(word) for word in report.words],
        "model": {"name": report.model.name, "description": report.model.description},
        "fusion": report.fusion.name,
        "runtime": str(runtime.runtime) if runtime else None,
        "provider": runtime.provider if runtime else None,
        "sampling": asdict(report.turn.request.sampling),
        "seconds": asdict(outcome.timings),
        "notes": [*map(str, outcome.notes)],
        "heads": {"pairs": [list(pair) for pair in report.heads], "of": sizes},
        "arrays": arrays,
        "maps": [_map(maps) for maps in report.maps],
        "checks": [{**asdict(each), "verdict": str(each.verdict)} for each in report.checks],
    }


def _map(maps: CellMaps) -> dict[str, Any]:
    """The cells' box is in pixels of the upright photo, and may reach beyond it."""
    grid = {"rows": maps.grid.rows, "columns": maps.grid.columns, "box": asdict(maps.grid.box)}
    said = {"name": maps.method.about.name, "says": maps.method.about.meaning}
    return {"method": str(maps.method), **said, "array": _array_name(maps), "grid": grid}


def _array_name(maps: CellMaps) -> str:
    return f"maps_{maps.method.replace('-', '_')}"
