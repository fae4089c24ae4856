"""The command line: opens the window, or does one of the commands without it.

Every failure is one line on stderr and exit code 2. What a command needs is imported when
it runs, so that `--help` is quick and `ask` needs neither Qt nor PyTorch.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from mmgpt_desktop import __version__
from mmgpt_desktop.embedded import MODELS, default_model, model_path
from mmgpt_desktop.engine.pytorch import require_torch
from mmgpt_desktop.errors import AppError, RuntimeFailure
from mmgpt_desktop.event.supervisor import AGAIN_OPTION, CHILD_OPTION, supervise
from mmgpt_desktop.messages import RuntimeName
from mmgpt_desktop.paths import path_said
from mmgpt_desktop.text import reason_of

PROGRAM = "mmgpt-desktop"
FAILED = 2
INTERRUPTED = 130  # as shells report Ctrl+C
DEBUG = "MMGPT_DESKTOP_DEBUG"  # set: an unexpected exception keeps its traceback


@dataclass(frozen=True)
class Command:
    """A word after `mmgpt-desktop`, and a module of its name in `commands`, which has
    `add_options(parser)` and `run(options)`, the exit code. It can't do without PyTorch where
    `torch` says so, and not without Qt and a display for a `window`.
    """

    summary: str
    torch: bool = False
    window: bool = False


def main(argv: Sequence[str]) -> int:
    _prepare_streams()
    try:
        code = _dispatch(argv)
        if sys.stdout is not None:  # None: closed by who started us
            sys.stdout.flush()
        return code
    except AppError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output left (`| head`). Python would complain at exit while flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"The system refused a file ({reason_of(error)}).")
    except SystemExit:
        raise
    except BaseException as error:  # a panic in a Rust library is no Exception
        if os.environ.get(DEBUG):
            raise
        return _fail(f"Something unexpected happened ({reason_of(error)}).")


def _prepare_streams() -> None:
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries' warnings are for developers
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an answer may hold what a terminal can't show
            stream.reconfigure(errors="replace")


def _fail(sentence: str) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return FAILED


def _dispatch(argv: Sequence[str]) -> int:
    name = argv[0] if argv else ""
    if name not in COMMANDS:
        return _open_window(_window_parser().parse_args(argv))
    command, module = COMMANDS[name], _module_of(name)
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} {name}", description=command.summary)
    module.add_options(parser)
    _add_engine_options(parser)
    options = parser.parse_args(argv[1:])
    if command.torch:
        require_torch()
    code: int = module.run(options)
    return code


def _module_of(name: str) -> ModuleType:
    if COMMANDS[name].window:
        _require_display()
    with _window_parts() if COMMANDS[name].window else contextlib.nullcontext():
        return importlib.import_module(f"mmgpt_desktop.commands.{name.replace('-', '_')}")


def _window_parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:<12} {command.summary}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Ask a photo, read the answer, and see where each word looked.",
        epilog=f"commands (each has its own --help):\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "photos",
        nargs="*",
        type=path_said,
        help="photos, or a session (.mmgpt), to open in the window",
    )
    parser.add_argument("--version", action="version", version=f"MMGPT Desktop {__version__}")
    parser.add_argument(
        "--event",
        type=path_said,
        metavar="PROFILE",
        help="the show for an event, all day and by itself, as this TOML file says",
    )
    parser.add_argument(CHILD_OPTION, type=int, metavar="FD", help=argparse.SUPPRESS)
    parser.add_argument(AGAIN_OPTION, action="store_true", help=argparse.SUPPRESS)
    _add_engine_options(parser)
    return parser


def _add_engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runtime",
        type=RuntimeName,
        choices=list(RuntimeName),
        metavar="{" + ",".join(RuntimeName) + "}",
        help="use only this one (default: the first that works, in this order)",
    )
    parser.add_argument(
        "--model",
        type=_model_said,
        metavar="DIR",
        help="a model's folder, or one of those that come with the app: {} ({})".format(
            ", ".join(MODELS), default_model().name
        ),
    )


def _model_said(text: str) -> Path:
    """A folder, or an embedded model by its name. Raises AppError if that isn't here."""
    path = path_said(text)
    return model_path(text) if text in MODELS and not path.exists() else path


def _open_window(options: argparse.Namespace) -> int:
    _check_photos(options.photos)
    _require_display()
    if options.event is not None:
        return _open_event(options)
    with _window_parts():
        from mmgpt_desktop.ui.window.app import run
    return run(options.model, options.runtime, options.photos)


def _open_event(options: argparse.Namespace) -> int:
    """The supervisor, or in the process that it starts, the show."""
    from mmgpt_desktop.event.numbers import Log
    from mmgpt_desktop.event.profile import read_profile

    if options.photos:
        raise AppError("An event's photos stand in its profile.", "Leave out the others.")
    profile = read_profile(options.event, options.model)
    if options.event_child is None:
        # The app counts in the same file, so each crash is counted on top of what it left there.
        return supervise(_own_command(), crashed=lambda kind: Log(profile.numbers).error(kind))
    with _window_parts():
        from mmgpt_desktop.ui.event.event_app import run
    return run(profile, options.event_child, options.runtime, again=options.event_again)


def _own_command() -> list[str]:
    """How this process was started, its options included."""
    words = sys.argv[1:] if getattr(sys, "frozen", False) else sys.orig_argv[1:]
    return [sys.executable, *words]


@contextlib.contextmanager
def _window_parts() -> Iterator[None]:
    """Around the import of what needs Qt."""
    if sys.platform == "win32":
        # Imported after PySide6, ONNX Runtime can load the wrong DLLs.
        from mmgpt_desktop.engine.onnx_runtime import import_onnxruntime

        with contextlib.suppress(RuntimeFailure):
            import_onnxruntime()
    try:
        yield
    except ImportError as error:
        title = "The window can't be opened ({reason})."
        hint = f"`{PROGRAM} doctor` says what is missing; `{PROGRAM} ask` needs no window."
        raise AppError(title, hint, reason=reason_of(error)) from error


def _check_photos(photos: Sequence[Path]) -> None:
    """A command may be meant."""
    for photo in photos:
        if str(photo) in COMMANDS and not photo.exists():
            title = "The word {name} comes first: {program} {name} ..."
            raise AppError(title, name=str(photo), program=PROGRAM)


def _require_display() -> None:
    """Qt ends the process where there is no display."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in displays):
        title = "There is no display here, and the window needs one."
        raise AppError(title, f"`{PROGRAM} ask` answers without a window.")


COMMANDS = {
    "ask": Command("Ask about a photo and print the answer."),
    "draw": Command("Draw what is said, with a painter's folder."),
    "explain": Command("Save an answer and its maps as files."),
    "doctor": Command("Say what is in use and what is missing."),
    "selftest": Command("Open the window and answer a question: is all well?", window=True),
    "event-check": Command("Rehearse an event: what would fail?"),
    "event-pin": Command("Make the line for an event's PIN."),
    "bench": Command("Measure the speed of each runtime that works."),
    "prepare": Command("Put mmgpt-small together, once, from its parts."),
    "export": Command("Make ONNX graphs of a public model.", torch=True),
    "teach": Command("Fine-tune the model on your own rows.", torch=True),
    "evaluate": Command("Measure how well a model answers.", torch=True),
    "faithfulness": Command("Measure which heatmaps tell the truth.", torch=True),
}
