"""`mmgpt-desktop event-check`: rehearse an event in a minute, and say what would fail."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

import psutil

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.commands.ask import Asker
from mmgpt_desktop.embedded import default_model, painter_path
from mmgpt_desktop.engine.fallback import runtime_label
from mmgpt_desktop.engine.open_engine import open_engine
from mmgpt_desktop.engine.painting.paint_engine import PaintEngine
from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.drawing_filter import refuse_crude
from mmgpt_desktop.event.local_network import local_address
from mmgpt_desktop.event.profile import (
    CHORD,
    EventDrawing,
    EventLock,
    EventSample,
    Profile,
    Souvenir,
    read_profile,
)
from mmgpt_desktop.imaging.images import load_logo, load_photo
from mmgpt_desktop.messages import Photo, RuntimeName
from mmgpt_desktop.painted import PaintRequest
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.text import printable, reason_of, safe_name, size_text
from mmgpt_desktop.ui.event.devices import Devices, tell

FAILED = 2
QUESTIONS_S = 30.0  # all of them; what is left of the minute is for the rest
ANSWER_S = 15.0
FIRST_WORD_S = 3.0
DEVICES_S = 15.0
SMALLEST = (1280, 720)
_P = ParamSpec("_P")
ROOM = 500_000_000  # bytes, for a day of cards and numbers


@dataclass(frozen=True)
class Finding:
    ok: bool
    text: str


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", type=path_said, help="the TOML file that `--event` is to take")


def run(options: argparse.Namespace) -> int:
    """Print a line for each finding; 0 if nothing would fail."""
    started, failed = time.monotonic(), 0
    for finding in rehearse(options.profile, options.model, options.runtime):
        print("✓" if finding.ok else "✗", finding.text, flush=True)
        failed += not finding.ok
    seconds = time.monotonic() - started
    if failed:
        print(f"{failed} {'thing' if failed == 1 else 'things'} would fail ({seconds:.0f} s).")
        return FAILED
    print(f"All is ready ({seconds:.0f} s).")
    return 0


def rehearse(path: Path, model: Path | None, runtime: RuntimeName | None) -> Iterator[Finding]:
    try:
        profile = read_profile(path, model)
    except AppError as error:
        yield Finding(False, f"Profile: {error}")
        return
    samples = f"{len(profile.samples)} {'sample' if len(profile.samples) == 1 else 'samples'}"
    yield Finding(True, f"Profile: {safe_name(profile.title)}, {samples}.")
    yield Finding(True, f"Leaving: {_way_out(profile.lock)}")
    if profile.brand.logo is not None:
        yield _find("Logo", _logo, profile.brand.logo)
    yield from _files(profile)
    if profile.souvenir.page:
        yield _find("Souvenir page", _page, profile.souvenir)
    yield _find("Power", _power)
    yield from _devices(profile)
    if profile.drawing.offered:
        yield _find("Drawing", _drawing, profile.drawing, runtime)
    yield from _answers(profile, profile.model.folder or default_model(), runtime)


def _drawing(drawing: EventDrawing, runtime: RuntimeName | None) -> str:
    """Each of the cards' prompts, once; that visitors' own words are refused is no fault."""
    folder = painter_path()
    if folder is None:
        raise AppError("No painter comes with this edition.", "Leave [drawing] out.")
    painter = PaintEngine(folder, runtime)
    try:
        painter.load()
        began = time.monotonic()
        for prompt in drawing.prompts:
            refuse_crude(prompt, drawing.refused)
            request = PaintRequest(0, prompt, known_only=True)
            outcome = painter.paint(request, CancelToken(), lambda _step: None)
            if outcome.error is not None:
                raise outcome.error
        seconds = (time.monotonic() - began) / max(1, len(drawing.prompts))
    finally:
        painter.close()
    return f"{len(drawing.prompts)} prompts are drawn, {seconds:.1f} s each."


def _find(what: str, work: Callable[_P, str], *args: _P.args, **kwargs: _P.kwargs) -> Finding:
    """`work` gives a sentence; an error is one too."""
    try:
        return Finding(True, f"{what}: {work(*args, **kwargs)}")
    except AppError as error:
        return Finding(False, f"{what}: {error}")
    except OSError as error:
        return Finding(False, f"{what}: {reason_of(error)}.")


def _way_out(lock: EventLock) -> str:
    if lock.pin is None:
        return f"by {lock.chord}, without a PIN."
    return f"by {lock.chord}, or the PIN." if lock.chord else f"by {CHORD} and the PIN."


def _logo(path: Path) -> str:
    height, width, _ = load_logo(path).shape
    return f"{width} x {height} pixels."


def _files(profile: Profile) -> Iterator[Finding]:
    souvenir, numbers = profile.souvenir.folder, profile.numbers
    if souvenir is not None:
        yield _find("Souvenir folder", _writable, souvenir)
    if numbers.file is not None:
        yield _find("Numbers", _writable, numbers.file.parent, numbers.file)
    if numbers.pictures is not None:
        yield _find("Visitors' pictures", _writable, numbers.pictures)


def _writable(folder: Path, file: Path | None = None) -> str:
    with tempfile.TemporaryFile(dir=folder) as trial:
        trial.write(b"trial")
    if file is not None and file.exists():
        with file.open("ab"):
            pass
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise AppError("Only {free} are free on the disk.", "Make room.", free=size_text(free))
    return f"{safe_name(str(file or folder))} can be written, {size_text(free)} are free."


def _page(souvenir: Souvenir) -> str:
    address = local_address(souvenir.address)
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the page does
        trial.bind((address, souvenir.port))
        return f"phones can reach it at {address}, port {trial.getsockname()[1]} is free."


def _power() -> str:
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    if battery is not None and battery.power_plugged is False:
        title = "The computer runs on its battery ({percent:.0f} %)."
        raise AppError(title, "Plug it in.", percent=battery.percent)
    return "plugged in." if battery is not None else "no battery."


def _devices(profile: Profile) -> Iterator[Finding]:
    try:
        devices = look()
    except AppError as error:
        yield Finding(False, f"Screen: {error}")
        return
    yield _find("Screen", _screen, devices)
    if profile.souvenir.printer:
        yield _find("Printer", _printer, devices)
    if profile.lock.camera:
        yield _find("Camera", _camera, devices)


def look() -> Devices:
    """In a process of its own: Qt ends it where there is no display."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=tell, args=(sender,), daemon=True)
    process.start()
    sender.close()
    try:
        if receiver.poll(DEVICES_S):
            devices: Devices = receiver.recv()
            return devices
        hint = "A printer's server may not answer."
        raise AppError("The system does not say what screens and printers it has.", hint)
    except EOFError as error:
        raise AppError("The window can't be opened.", "Is there a display?") from error
    finally:
        process.kill()
        process.join()
        receiver.close()


def _screen(devices: Devices) -> str:
    sizes = ", ".join(f"{width} x {height}" for width, height in devices.screens)
    if not devices.screens or any(
        side < least for side, least in zip(devices.screens[0], SMALLEST, strict=True)
    ):
        title = "It needs {width} x {height} pixels, and there are {sizes}."
        width, height = SMALLEST
        raise AppError(title, width=width, height=height, sizes=sizes or "none")
    second = "" if len(devices.screens) > 1 else ", and none for the presenter's window"
    return f"{sizes}{second}."


def _printer(devices: Devices) -> str:
    if not devices.printers:
        raise AppError("The system has none.", "Set one up, or write printer = false.")
    return f"{', '.join(map(safe_name, devices.printers))}."


def _camera(devices: Devices) -> str:
    if devices.no_camera:
        raise AppError("{reason}", "Or write camera = false.", reason=devices.no_camera)
    return "there is one."


def _answers(profile: Profile, folder: Path, runtime: RuntimeName | None) -> Iterator[Finding]:
    photos: dict[Path, Photo] = {}
    for sample in profile.samples:
        found = _find(f"Sample {safe_name(sample.photo.name)}", _photo, sample, photos)
        if not found.ok:
            yield found
    with contextlib.closing(open_engine(folder, runtime)) as engine:
        started = time.monotonic()
        try:
            asked = profile.limits.answer_tokens
            asker = Asker.load(engine, profile.model.fusion, max_new_tokens=asked)
        except AppError as error:
            yield Finding(False, f"Model: {error}")
            return
        runs = f"{asker.fusion.name}, by {runtime_label(engine.runtime)}"
        seconds = time.monotonic() - started
        text = f"Model: {safe_name(asker.model.name)}, {runs}, {seconds:.1f} s to start."
        yield Finding(True, text)
        yield from _questions(profile, asker, photos)


def _photo(sample: EventSample, photos: dict[Path, Photo]) -> str:
    photos[sample.photo] = load_photo(sample.photo)
    return "it opens."


def _questions(profile: Profile, asker: Asker, photos: dict[Path, Photo]) -> Iterator[Finding]:
    """Every sample's first question, then every second one, until the time is over."""
    rounds = itertools.zip_longest(
        *(
            [(photos[sample.photo], question) for question in sample.questions]
            for sample in profile.samples
            if sample.photo in photos
        )
    )
    asked = [each for round_ in rounds for each in round_ if each is not None]
    end = time.monotonic() + QUESTIONS_S
    for number, (photo, question) in enumerate(asked):
        if time.monotonic() > end:
            text = f"Questions: the time was over after {number} of {len(asked)}."
            yield Finding(True, text)
            return
        what = f"{safe_name(photo.name)}, {printable(question)}"
        yield _find(what, _answer, asker, photo, question)


def _answer(asker: Asker, photo: Photo, question: str) -> str:
    cancel = CancelToken()
    watch = threading.Timer(ANSWER_S, cancel.cancel)
    watch.start()
    try:
        steps, outcome = asker.ask(asker.request(photo, question), cancel)
    finally:
        watch.cancel()
    if outcome.kind == "cancelled":
        raise AppError("The answer takes longer than {limit:g} s.", limit=ANSWER_S)
    first, total = outcome.timings.first_token, outcome.timings.total
    if first > FIRST_WORD_S:
        title = "The first word takes {first:.1f} s, and should take {limit:g} s at most."
        raise AppError(title, first=first, limit=FIRST_WORD_S)
    text = "".join(step.text for step in steps).strip()
    if outcome.reply is not None:
        raise AppError("The model has no answer to such questions.", "Take another question.")
    if not text:
        raise AppError("The answer is empty.", "Ask in other words.")
    return f"{printable(text)} (first word {first:.1f} s, all {total:.1f} s)"
