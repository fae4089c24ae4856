"""`mmgpt-desktop doctor`: what is in use, and what is missing."""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import platform
import sys
from pathlib import Path

from mmgpt_desktop import __version__
from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.embedded import SMALL, default_model, models_here, painter_paths, why_not_small
from mmgpt_desktop.engine.fallback import runtime_label
from mmgpt_desktop.engine.families.registry import family_of
from mmgpt_desktop.engine.folder.bundle import open_bundle
from mmgpt_desktop.engine.folder.checkpoint import has_weights, open_checkpoint, read_checkpoint
from mmgpt_desktop.engine.folder.layouts import find_graphs, is_graphs
from mmgpt_desktop.engine.graphics_card import find_card
from mmgpt_desktop.engine.open_engine import is_checkpoint, open_engine
from mmgpt_desktop.engine.painting.open_source import open_source
from mmgpt_desktop.engine.pytorch import missing_torch
from mmgpt_desktop.errors import AppError, NoCard
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.text import safe_name, size_text

LIBRARIES = ("onnxruntime-gpu", "onnxruntime", "torch", "transformers", "tokenizers", "numpy")
WITH_TORCH = ("torch", "transformers")  # which the light edition leaves out together
SHOWN = ("PySide6-Essentials", "PySide6-Addons", "pillow", "av", "cmap")
# What Qt needs on Linux, and the Debian package that has it.
SYSTEM_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
CAMERA_LIBRARY, CAMERA_PACKAGE = "libpulse.so.0", "libpulse0"  # QtMultimedia's, not the window's


def add_options(parser: argparse.ArgumentParser) -> None:
    del parser


def run(options: argparse.Namespace) -> int:
    """Print the report; 0 if a question can be answered, else 1."""
    bundle_path: Path = options.model or default_model()
    print(f"MMGPT Desktop {__version__}, Python {platform.python_version()}, {_system()}")
    missing: list[str] = []
    _report_embedded()
    try:
        (_report_public if is_checkpoint(bundle_path) else _report_bundle)(bundle_path)
    except AppError as error:
        print(f"Model: {error}")
        answers = False
    else:
        answers = _report_runtime(bundle_path, options.runtime)
    _report_libraries(missing)
    if sys.platform.startswith("linux"):
        _report_system_libraries(missing)
    if missing:
        print(f"Missing: {', '.join(missing)}.")
    print("Questions can be answered." if answers else "No question can be answered.")
    return 0 if answers else 1


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def _report_embedded() -> None:
    """Which of the app's own models are here, and why not all."""
    names = list(models_here())
    print(f"Embedded models: {', '.join(names)}; {names[0]} answers first.")
    if SMALL not in names:
        print(f"  {why_not_small()}")
    for painter in painter_paths():
        _report_painter(painter)


def _report_painter(path: Path) -> None:
    """Whether it can draw. It is not needed for answers."""
    try:
        painter = open_source(path)
        painter.prepare(lambda _done, _what: None, CancelToken())
    except AppError as error:
        print(f"Painter: {error}")
    else:
        name, size = safe_name(painter.info.name), painter.size / 1e6
        print(f"Painter: {name}, {size:.1f} MB, all checksums match.")


def _report_bundle(path: Path) -> None:
    """Raises BundleError."""
    bundle = open_bundle(path)
    bundle.verify(lambda done: None, CancelToken())
    manifest = bundle.manifest
    size = sum(entry.bytes for entry in manifest.files.values()) / 1e6
    print(f"Model: {safe_name(manifest.name)} {safe_name(manifest.version)} in {path}")
    print(f"  {len(manifest.files)} files, {size:.1f} MB, all checksums match.")
    names = [safe_name(name) for name in manifest.fusions]
    print(f"  Fusions: {', '.join(names)}; {safe_name(manifest.fusion)} by default.")


def _report_public(path: Path) -> None:
    """A public model's files. Raises BundleError."""
    checkpoint = read_checkpoint(path)
    family_of(checkpoint)
    print(f"Model: {checkpoint.name} of the family {checkpoint.model_type} in {path}")
    if is_graphs(path):
        graphs = find_graphs(path)
        names = ", ".join(file.name for file in (graphs.vision, graphs.embeddings, graphs.decoder))
        print(f"  ONNX graphs: {names}; {size_text(graphs.bytes)}.")
    if has_weights(path) or not is_graphs(path):
        checkpoint = open_checkpoint(path)
        size = sum(file.stat().st_size for file in checkpoint.weights)
        count = f"{checkpoint.parameters / 1e6:.1f} million parameters"
        print(f"  Checkpoint: {count}, {size_text(size)} as safetensors.")


def _report_runtime(path: Path, choice: RuntimeName | None) -> bool:
    engine = open_engine(path, choice)
    try:
        engine.load()
    except AppError as error:
        print(f"Runtime: {error}")
        return False
    info = engine.runtime
    using = ", ".join(filter(None, (info.provider, info.precision)))
    print(f"Runtime: {runtime_label(info)} ({info.runtime}), using {using}.")
    engine.close()
    why = None
    if choice is None and info.runtime is not RuntimeName.ONNX_CUDA:
        why = _why_no_cuda(path)
    if info.note and not (why and why.title in str(info.note)):
        print(f"  {info.note}")
    if why:
        print(f"  {why.title if isinstance(why, NoCard) else why}")
    _report_card()
    return True


def _why_no_cuda(path: Path) -> AppError | None:
    engine = open_engine(path, RuntimeName.ONNX_CUDA)
    try:
        engine.load()
    except AppError as error:
        return error
    engine.close()
    return None


def _report_card() -> None:
    """What its driver says of the graphics card; no word where there is none."""
    if (card := find_card()) is not None:
        free = "" if card.free is None else f", {size_text(card.free)} free"
        print(f"Graphics card: {safe_name(card.name)}, {size_text(card.memory)}{free}.")
        print(f"  Compute capability {card.capability_text}; its driver knows CUDA {card.cuda}.")


def _report_libraries(missing: list[str]) -> None:
    versions = {name: version_of(name) for name in (*LIBRARIES, *SHOWN)}
    onnx = [name for name in LIBRARIES[:2] if versions.pop(name) is not None]
    found = [f"{name} {version_of(name)}" for name in onnx]
    found += [f"{name} {version}" for name, version in versions.items() if version]
    print(f"Libraries: {', '.join(found)}.")
    light = missing_torch() is not None
    if light:
        print("  No PyTorch, as in the light edition: ONNX Runtime alone answers.")
    wanted = (name for name in versions if not (light and name in WITH_TORCH))
    missing += [name for name in wanted if not versions[name]]
    if not onnx:
        missing.append("onnxruntime")
    if len(onnx) == 2:
        print("  onnxruntime and onnxruntime-gpu overwrite each other: keep one of them.")


def version_of(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _report_system_libraries(missing: list[str]) -> None:
    absent = [package for library, package in SYSTEM_LIBRARIES.items() if not _loads(library)]
    if absent:
        print(f"Window: it may not open; install the system packages {' '.join(absent)}.")
        missing += absent
    else:
        print("Window: all system libraries are there.")
    if not _loads(CAMERA_LIBRARY):
        print(f"Camera: it can't be used; install the system package {CAMERA_PACKAGE}.")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
