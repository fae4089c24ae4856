"""Whose painter lies in a folder."""

from __future__ import annotations

from pathlib import Path

from mmgpt_desktop.engine.folder.model_files import (
    CONFIG,
    MANIFEST,
    PIPELINE,
    read_object,
    remedy_for,
)
from mmgpt_desktop.engine.painting.flow_folder import FLOW_FAMILY, open_flow
from mmgpt_desktop.engine.painting.painter_folder import open_painter
from mmgpt_desktop.engine.painting.painter_source import PainterSource


def open_source(path: Path) -> PainterSource:
    """Ours, or a public model that draws. Raises BundleError, and RuntimeFailure where the library
    that it draws with isn't installed."""
    if (path / MANIFEST).is_file():
        with remedy_for(path):
            family = read_object(path / MANIFEST).get("family")
        return open_flow(path) if family == FLOW_FAMILY else open_painter(path)
    if (path / PIPELINE).is_file():
        from mmgpt_desktop.engine.painting.diffusers_folder import open_pipeline

        return open_pipeline(path)
    if (path / CONFIG).is_file():
        from mmgpt_desktop.engine.painting.janus_folder import open_janus

        return open_janus(path)
    return open_painter(path)
