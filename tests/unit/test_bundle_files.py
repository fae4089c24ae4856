"""What the bundle is made of, checked without building it: see installer/smoke.sh for the rest."""

from __future__ import annotations

import configparser
import plistlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from email.parser import Parser
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType

import pytest

from mmgpt_desktop import __version__
from mmgpt_desktop.session.session_file import SUFFIX
from tests.pins import read_pins, wanted_names

ROOT = Path(__file__).resolve().parents[2]
INSTALLER = ROOT / "installer"
MIME_TYPE = "application/x-mmgpt"
NAMESPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    return load("build")


@pytest.fixture(scope="module")
def third_party() -> ModuleType:
    return load("third_party")


def load(name: str) -> ModuleType:
    sys.path.insert(0, str(INSTALLER))
    try:
        return __import__(name)
    finally:
        sys.path.pop(0)


def test_the_version_is_the_app_s(build: ModuleType) -> None:
    assert build.version() == __version__


def test_the_bundle_asks_for_no_pytorch_and_the_processor_s_onnx_runtime(
    build: ModuleType,
) -> None:
    pins = read_pins("bundle")
    names = [re.split(r"[<>=!; ]", line)[0] for line in build.requirements()]
    assert {"onnxruntime", "onnx", "tokenizers", "huggingface_hub", "pyinstaller"} <= set(names)
    assert names.count("onnxruntime") == 1
    assert not {"torch", "transformers", "accelerate", "av", "onnxruntime-gpu"} & {*names, *pins}


def test_everything_in_the_bundle_is_pinned_as_in_the_app(build: ModuleType) -> None:
    pinned, theirs = read_pins("bundle"), read_pins("app")
    assert wanted_names(build.requirements()) <= pinned.keys()
    shared = pinned.keys() & theirs
    assert {name: pinned[name] for name in shared} == {name: theirs[name] for name in shared}
    assert pinned["onnxruntime"] == theirs["onnxruntime-gpu"]


def test_the_spec_leaves_out_what_needs_pytorch_and_keeps_the_resources() -> None:
    spec = (INSTALLER / "mmgpt.spec").read_text(encoding="utf-8")
    compile(spec, "mmgpt.spec", "exec")
    left_out = spec.split("LEFT_OUT = [")[1].split("]")[0]
    assert {"torch", "transformers", "accelerate", "av"} <= set(re.findall(r'"(\w+)"', left_out))
    assert '"docs"' in spec  # the README's pictures stay at home
    assert "THIRD-PARTY.txt" in (INSTALLER / "build.py").read_text(encoding="utf-8")


def test_the_desktop_entry_opens_sessions_and_pictures() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(INSTALLER / "linux" / "mmgpt-desktop.desktop", encoding="utf-8")
    entry = parser["Desktop Entry"]
    assert (entry["Type"], entry["Icon"], entry["Terminal"]) == (
        "Application",
        "mmgpt-desktop",
        "false",
    )
    assert entry["Exec"] == "mmgpt-desktop %F"
    types = entry["MimeType"].strip(";").split(";")
    assert types[0] == MIME_TYPE
    assert {"image/jpeg", "image/png"} <= set(types)
    assert "Comment[zh_CN]" in entry


def test_the_file_type_is_that_of_sessions() -> None:
    tree = ElementTree.parse(INSTALLER / "linux" / "mmgpt-desktop.xml")
    (kind,) = tree.getroot().findall(f"{NAMESPACE}mime-type")
    assert kind.get("type") == MIME_TYPE
    assert [glob.get("pattern") for glob in kind.findall(f"{NAMESPACE}glob")] == [f"*{SUFFIX}"]


def test_the_package_says_what_it_needs() -> None:
    text = (INSTALLER / "linux" / "control").read_text(encoding="utf-8")
    control = Parser().parsestr(text.format(version=__version__, kilobytes=1))
    assert (control["Package"], control["Version"]) == ("mmgpt-desktop", __version__)
    assert control["Architecture"] == "amd64"
    needed = {name.split()[0] for name in control["Depends"].split(", ")}
    assert {"libc6", "libgl1", "libegl1", "shared-mime-info"} <= needed
    assert not text.count("\n\n")  # an empty line would end the description


def test_the_windows_set_up_is_named_as_the_build_expects(build: ModuleType) -> None:
    script = (INSTALLER / "windows" / "mmgpt-desktop.iss").read_text(encoding="utf-8")
    name = re.search(r"^OutputBaseFilename=(.+)$", script, re.MULTILINE)
    assert name is not None
    source = (INSTALLER / "build.py").read_text(encoding="utf-8")
    assert f"{name[1].replace('{#Version}', '{version()}')}.exe" in source
    assert r"build\frozen\mmgpt-desktop\*" in script
    assert build.FOLDER == ROOT / "build" / "frozen" / "mmgpt-desktop"
    assert r"Software\Classes\.mmgpt" in script


def test_macos_learns_the_file_type_and_why_the_camera_is_wanted() -> None:
    info = plistlib.loads((INSTALLER / "macos" / "Info.plist").read_bytes())
    (declared,) = info["UTExportedTypeDeclarations"]
    tags = declared["UTTypeTagSpecification"]
    assert tags["public.filename-extension"] == [SUFFIX.removeprefix(".")]
    assert tags["public.mime-type"] == MIME_TYPE
    session, pictures = info["CFBundleDocumentTypes"]
    assert session["LSItemContentTypes"] == [declared["UTTypeIdentifier"]]
    assert pictures["LSHandlerRank"] == "Alternate"  # the system's own viewer stays the usual one
    assert info["NSCameraUsageDescription"].endswith(".")
    spec = (INSTALLER / "mmgpt.spec").read_text(encoding="utf-8")
    for place in ('"macos" / "Info.plist"', "version=VERSION"):
        assert place in spec


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License: BSD\n third line", "BSD"),
        (
            "Classifier: License :: OSI Approved :: Apache Software License",
            "Apache Software License",
        ),
        ("Name: silent", "not said"),
    ],
)
def test_a_licence_is_told_as_its_author_named_it(
    third_party: ModuleType, tmp_path: Path, metadata: str, licence: str
) -> None:
    folder = tmp_path / "some-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\n{metadata}\n", encoding="utf-8")
    assert third_party.licence_of(PathDistribution(folder)) == licence


def test_a_package_s_papers_are_copied_whole(third_party: ModuleType) -> None:
    entries = "\n".join(third_party.packages())
    for name in ("numpy", "pillow", "huggingface_hub"):
        assert f"\n{name} " in entries
    assert "Redistribution and use in source and binary forms" in entries
