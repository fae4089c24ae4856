"""What keeps the project easy to read and small to ship, checked on the files git tracks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000
FUNCTION_LINES = 60
MODULE_LINES = 500
TEXT = {".css", ".json", ".md", ".py", ".qss", ".sh", ".svg", ".toml", ".txt", ""}
# Split, so that this file doesn't find itself.
FORBIDDEN = re.compile(
    "|".join(
        [
            r"(?<![\w.])/(?:work|opt|root)" + r"/\w",
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"deb\.deb" + r"ian\.org",
            r"download\.py" + r"torch\.org",
        ]
    )
)


def tracked_files() -> list[Path]:
    # A checkout that belongs to somebody else is fine to read.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def sources() -> list[Path]:
    return sorted([*ROOT.glob("mmgpt_desktop/**/*.py"), *ROOT.glob("installer/*.py")])


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize(
    "modules",
    [
        "mmgpt_desktop.engine.bundle_engine, mmgpt_desktop.imaging.images",
        "mmgpt_desktop.session.session_file, mmgpt_desktop.session.recent",
        "mmgpt_desktop.event.card, mmgpt_desktop.event.souvenir_page",
        "mmgpt_desktop.event.card, mmgpt_desktop.event.numbers, mmgpt_desktop.event.souvenir_page",
        "mmgpt_desktop.event.profile, mmgpt_desktop.event.supervisor",
        "mmgpt_desktop.attention.faithfulness_metrics, mmgpt_desktop.attention.heatmap",
    ],
)
def test_a_fresh_process_needs_no_qt_and_no_torch_for(modules: str) -> None:
    code = f"import sys, {modules}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"PySide6", "torch", "transformers"}.isdisjoint(done.stdout.split())


def test_functions_fit_a_screen_and_modules_stay_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {name} has {lines} lines"
        for path in sources()
        for name, lines in functions(path)
        if lines > FUNCTION_LINES
    ]
    for path in sources():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES:
            long.append(f"{path.relative_to(ROOT)} has {lines} lines")
    assert long == []


def test_no_two_modules_or_classes_share_a_name() -> None:
    """But packages' own, and classes that nobody else sees."""
    places = dict[str, list[str]]()
    for path in ROOT.glob("mmgpt_desktop/**/*.py"):
        where = str(path.relative_to(ROOT))
        if not path.stem.startswith("__"):
            places.setdefault(f"module {path.stem}", []).append(where)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(f"class {node.name}", []).append(where)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


_PLAIN = ROOT / "mmgpt_desktop" / "ui" / "widgets" / "plain.py"
_ROLES = {"ToolTipRole", "WhatsThisRole"}
_TIPS = {"setToolTip", "setWhatsThis", "showText"}
_MAKES_HTML = {"QErrorMessage", "QLabel", "QMessageBox", "QTextBrowser", "insertHtml", "setHtml"}


def _is_plain(node: ast.expr) -> bool:
    """Passed through `tip`, or written down here."""
    if isinstance(node, ast.IfExp):
        return _is_plain(node.body) and _is_plain(node.orelse)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        return name == "tip" or (name == "tr" and all(map(_is_plain, node.args)))
    return isinstance(node, ast.Constant)


def _html(call: ast.Call) -> bool:
    """Whether Qt may take text that came from somewhere for HTML here."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    if name in _MAKES_HTML:
        return True
    if name in _TIPS:
        return not _is_plain(call.args[1 if name == "showText" else 0])
    roles = {each.attr for each in ast.walk(call) if isinstance(each, ast.Attribute)} & _ROLES
    if name == "setItemData" and roles:
        return not _is_plain(call.args[1])
    return name == "setData" and bool(roles)


def test_text_from_outside_is_never_html() -> None:
    """Labels come from `ui.widgets.plain`, and so does what a tooltip says."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(ROOT.glob("mmgpt_desktop/ui/**/*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if path != _PLAIN and isinstance(node, ast.Call) and _html(node)
    ]
    assert found == []


# Names of libraries that begin with an underscore and are the way to do it all the same.
_LIBRARIES_OWN = {
    "_current_frames",  # sys
    "_exit",  # os
    "_forward_hooks",  # PyTorch's modules
    "_from_config",  # transformers' models, and the next two
    "_get_number_of_features",
    "_make_wrapper_subclass",  # PyTorch's tensors
    "_name_or_path",
    "_replace",  # named tuples
    "_webp",  # Pillow
}
# What must be let go is held nowhere else.
_PRIVATE_READ = {"tests/gui/test_switching.py: _runtime"}


def private_names(path: Path) -> Iterator[str]:
    """Private names of others that a file reads, imports or replaces."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name):
                yield name
            case ast.ImportFrom(names=names):
                yield from (each.name for each in names)
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=arguments):
                texts = [each.value for each in arguments[:2] if isinstance(each, ast.Constant)]
                yield from (name for text in texts for name in str(text).split("."))


def test_tests_read_nothing_private() -> None:
    """They look at what users and callers see."""
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in ROOT.glob("tests/**/*.py")
        for name in private_names(path)
        if re.match("_[^_]", name) and name not in _LIBRARIES_OWN
    }
    assert found == _PRIVATE_READ


def test_what_is_shipped_stays_small() -> None:
    files = tracked_files()
    resources = sum(
        path.stat().st_size for path in files if path.is_relative_to(ROOT / "resources")
    )
    assert resources < 40 * MEGABYTE
    assert sum(path.stat().st_size for path in files) < 55 * MEGABYTE


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked_files()
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(ROOT.glob("resources/docs/*.md")),
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    local = [one or other for one, other in links if "://" not in one + other]
    assert [link for link in local if not (path.parent / link).exists()] == []


def _named_places(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each file that a document names in backticks, and what it is said to hold."""
    for path, names in re.findall(r"`([\w./-]+/[\w./-]*|\w+\.py)`((?: `[\w.]+`)*)", text):
        if "NAME" not in path:
            yield path, re.findall(r"`([\w.]+)`", names)


def _defines(tree: ast.Module, name: str) -> bool:
    body: list[ast.stmt] = tree.body
    for part in name.split("."):
        found = [each for each in body if getattr(each, "name", "") == part]
        if not found:
            return False
        body = getattr(found[0], "body", [])
    return True


def test_the_map_for_newcomers_is_true() -> None:
    """What CONTRIBUTING.md names is there: files, and in the journey of a question functions."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = list(_named_places(text))
    assert sum(len(names) for _, names in places) >= 10  # the journey
    files = tracked_files()
    wrong = []
    for path, names in places:
        end = f"/{path.rstrip('/')}"
        found = [each for each in files if str(each).endswith(end) or f"{end}/" in str(each)]
        if not found:
            wrong.append(path)
        elif names:
            tree = ast.parse(found[0].read_text(encoding="utf-8"))
            wrong += [f"{path}: {name}" for name in names if not _defines(tree, name)]
    assert wrong == []


def test_the_tree_for_newcomers_names_every_folder() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tree = text.partition("```\nmmgpt_desktop/\n")[2].partition("```")[0]
    package = ROOT / "mmgpt_desktop"
    rooms = [*package.glob("*/__init__.py"), *package.glob("ui/*/__init__.py")]
    missing = [room.parent.name for room in rooms if f"{room.parent.name}/" not in tree]
    modules = [path.name for path in package.glob("*.py") if path.name != "__init__.py"]
    assert missing + [name for name in modules if name not in tree] == []
