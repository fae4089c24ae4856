"""`mmgpt-desktop export`: a checkpoint as ONNX graphs, with a report on what that gave."""

from __future__ import annotations

import argparse
import sys
import time

from mmgpt_desktop.export.linear import Precision
from mmgpt_desktop.hub.convert import ConversionReport, export_and_try
from mmgpt_desktop.paths import path_said

_MEGA = 1e6


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=path_said, help="a transformers checkpoint's folder")
    parser.add_argument("out", type=path_said, help="the new folder for the graphs")
    parser.add_argument(
        "--precision",
        type=Precision,
        choices=list(Precision),
        default=Precision.INT8,
        metavar="{" + ",".join(Precision) + "}",
        help="of the language model's weights (int8)",
    )
    parser.add_argument(
        "--no-comparison", action="store_true", help="don't compare with PyTorch afterwards"
    )


def run(options: argparse.Namespace) -> int:
    started, compared = time.perf_counter(), not options.no_comparison
    report = export_and_try(
        options.checkpoint, options.out, options.precision, _tell, compare=compared
    )
    _tell(1.0, f"Done in {time.perf_counter() - started:.0f} s")
    print("\n".join(_lines(report)))
    return 0


def _lines(report: ConversionReport) -> list[str]:
    sizes = [f"{size / _MEGA:10.1f} MB  {name}" for name, size in report.sizes.items()]
    whole = f"{report.bytes / _MEGA:10.1f} MB  together; the checkpoint's weights take"
    lines = [*sizes, f"{whole} {report.before / _MEGA:.1f} MB"]
    lines += map(str, filter(None, [report.heads, *report.comparison]))
    if report.error is not None:
        lines.append(f"The graphs are there, but could not be tried to the end. {report.error}")
    return lines


def _tell(fraction: float, what: str) -> None:
    print(f"{fraction:4.0%} {what}", file=sys.stderr, flush=True)
