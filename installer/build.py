"""Builds what people install, into dist/: one command on each system, and it can be run again.

    python installer/build.py          (Linux: installer/build.sh sees to the system's packages)

A frozen application folder without PyTorch, and from it on Linux a .deb and an AppImage, on
Windows a set-up program (by Inno Setup), on macOS a .dmg. All but dist/ happens in build/.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE, BUILD, DIST = ROOT / "installer", ROOT / "build", ROOT / "dist"
VENV = BUILD / "venv"
FOLDER = BUILD / "frozen" / "mmgpt-desktop"
PINS = HERE / "requirements-bundle.txt"
# What the light edition leaves out: PyTorch's, what reads a model for it, and the 100 MB of a video
# library whose encoders are under the GPL.
HEAVY = ("torch", "transformers", "accelerate", "gguf", "av>")
MOST_MEGABYTES = 450  # unpacked
SMALL_MEGABYTES = 300  # more, with mmgpt-small
DESKTOP = HERE / "linux"
PNG_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
STATIC = ("squashfuse_ll", "squashfuse", "fuse3", "z", "lzma", "zstd", "lz4", "lzo2")


def main() -> int:
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if Path(sys.prefix).resolve() != VENV.resolve():
        make_environment(python)
        return subprocess.run([python, __file__, *sys.argv[1:]], check=False).returncode
    DIST.mkdir(exist_ok=True)
    draw_icons(BUILD / "icons")
    freeze()
    run(python, HERE / "third_party.py", FOLDER)
    made = {"linux": linux, "win32": windows, "darwin": macos}[sys.platform]()
    for path in made:
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, cwd=ROOT)


def version() -> str:
    text = (ROOT / "mmgpt_desktop" / "__init__.py").read_text(encoding="utf-8")
    return text.split('__version__ = "')[1].split('"')[0]


def requirements() -> list[str]:
    """The app's, for the CPU and without what is HEAVY, and the tool that freezes it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    light = [
        line
        for line in settings["project"]["dependencies"]
        if not line.startswith((*HEAVY, "onnxruntime"))
    ]
    return [*light, "onnxruntime>=1.31", "pyinstaller>=6.22"]


def make_environment(python: Path) -> None:
    """An environment of its own, made anew when the pins or the project change."""
    stamp, wanted = VENV / "made-of", "\n".join([sys.version, *requirements()])
    wanted += hashlib.sha256(PINS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("Fetching the packages for the bundle, once.", flush=True)
    venv.create(VENV, clear=True, with_pip=True)
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--require-hashes", "--requirement", PINS)
    stamp.write_text(wanted, encoding="utf-8")


def draw_icons(folder: Path) -> None:
    """PNG in the sizes that desktops ask for, and the formats of Windows and macOS."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PIL import Image
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QGuiApplication, QIcon

    folder.mkdir(parents=True, exist_ok=True)
    application = QGuiApplication.instance() or QGuiApplication([])
    icon = QIcon(str(ROOT / "resources" / "icons" / "app.svg"))
    for size in PNG_SIZES:
        icon.pixmap(QSize(size, size), 1.0).save(str(folder / f"{size}.png"))
    large = Image.open(folder / f"{PNG_SIZES[-1]}.png")
    large.save(folder / "app.ico", sizes=[(size, size) for size in PNG_SIZES if size <= 256])
    large.save(folder / "app.icns")
    del application


def freeze() -> None:
    command = (sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN")
    places = ("--distpath", FOLDER.parent, "--workpath", BUILD / "pyinstaller")
    run(*command, *places, HERE / "mmgpt.spec")
    megabytes = size_of(FOLDER) / 1e6
    print(f"{FOLDER.relative_to(ROOT)}  {megabytes:.1f} MB unpacked", flush=True)
    most = MOST_MEGABYTES + SMALL_MEGABYTES * holds_small(FOLDER)
    if megabytes > most:
        raise SystemExit(f"The folder is larger than {most} MB.")


def holds_small(folder: Path) -> bool:
    """Whether mmgpt-small was there to be packed."""
    return any(folder.glob("**/mmgpt-small/decoder.onnx"))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if not path.is_symlink())


# Linux


def linux() -> list[Path]:
    return [make_deb(), make_appimage()]


def install_into(root: Path) -> None:
    """The folder and what a desktop wants to know of it, below `root`/usr."""
    shutil.rmtree(root, ignore_errors=True)
    share = root / "usr" / "share"
    shutil.copytree(FOLDER, root / "usr" / "lib" / "mmgpt-desktop", symlinks=True)
    program = root / "usr" / "bin" / "mmgpt-desktop"
    program.parent.mkdir()
    program.symlink_to("../lib/mmgpt-desktop/mmgpt-desktop")
    icons = share / "icons" / "hicolor"
    svg = ROOT / "resources" / "icons" / "app.svg"
    files = {
        DESKTOP / "mmgpt-desktop.desktop": share / "applications" / "mmgpt-desktop.desktop",
        DESKTOP / "mmgpt-desktop.xml": share / "mime" / "packages" / "mmgpt-desktop.xml",
        svg: icons / "scalable" / "apps" / "mmgpt-desktop.svg",
    }
    for size in PNG_SIZES:
        place = icons / f"{size}x{size}" / "apps" / "mmgpt-desktop.png"
        files[BUILD / "icons" / f"{size}.png"] = place
    for source, target in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def make_deb() -> Path:
    """No maintainer scripts: Debian's own triggers see to menus, icons and file types."""
    root = BUILD / "deb"
    install_into(root)
    papers = root / "usr" / "share" / "doc" / "mmgpt-desktop"
    papers.mkdir(parents=True)
    notices = (ROOT / "NOTICE", ROOT / "LICENSE", FOLDER / "THIRD-PARTY.txt")
    texts = [path.read_text(encoding="utf-8") for path in notices]
    (papers / "copyright").write_text("\n\n".join(texts), encoding="utf-8")
    control = (DESKTOP / "control").read_text(encoding="utf-8")
    kilobytes = size_of(root) // 1024
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        control.format(version=version(), kilobytes=kilobytes), encoding="utf-8"
    )
    for path in root.rglob("*"):  # whatever the builder's umask is
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
    deb = DIST / f"mmgpt-desktop_{version()}_amd64.deb"
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z9", "--build", root, deb)
    return deb


def make_appimage() -> Path:
    """Our own runtime, then a squashfs of the folder, as the AppImage specification's type 2."""
    root, image = BUILD / "appimage", BUILD / "appimage.squashfs"
    install_into(root)
    (root / "AppRun").symlink_to("usr/lib/mmgpt-desktop/mmgpt-desktop")
    shutil.copy(DESKTOP / "mmgpt-desktop.desktop", root)
    shutil.copy(ROOT / "resources" / "icons" / "app.svg", root / "mmgpt-desktop.svg")
    (root / ".DirIcon").symlink_to("mmgpt-desktop.svg")
    image.unlink(missing_ok=True)
    quiet = ("-root-owned", "-noappend", "-no-xattrs", "-quiet", "-no-progress")
    run("mksquashfs", root, image, *quiet, "-comp", "zstd")
    appimage = DIST / f"MMGPT_Desktop-{version()}-x86_64.AppImage"
    with appimage.open("wb") as whole:
        whole.write(make_runtime())
        with image.open("rb") as part:
            shutil.copyfileobj(part, whole)
    appimage.chmod(0o755)
    return appimage


def make_runtime() -> bytes:
    """The first part of an AppImage, with the mark that says which type it is."""
    runtime = BUILD / "appimage-runtime"
    command = ("gcc", "-std=gnu11", "-O2", "-static", "-s", "-D_FILE_OFFSET_BITS=64")
    libraries = (f"-l{name}" for name in STATIC)
    # The linker warns of modules of libfuse that a static program can't load: it loads none.
    run(*command, "-o", runtime, DESKTOP / "runtime.c", *libraries)
    program = bytearray(runtime.read_bytes())
    program[8:11] = b"AI\x02"
    return bytes(program)


# Windows and macOS


def windows() -> list[Path]:
    """By Inno Setup 6, whose ISCC must be in the PATH."""
    script = HERE / "windows" / "mmgpt-desktop.iss"
    run("ISCC", "/Q", f"/DVersion={version()}", script)
    return [DIST / f"MMGPT-Desktop-{version()}-setup.exe"]


def macos() -> list[Path]:
    """Unsigned, but for the seal without a name that Apple silicon wants, which what is added here
    breaks: who opens it the first time must say so."""
    stage, dmg = BUILD / "dmg", DIST / f"MMGPT-Desktop-{version()}.dmg"
    shutil.rmtree(stage, ignore_errors=True)
    app = FOLDER.parent / "MMGPT Desktop.app"
    shutil.copytree(app, stage / app.name, symlinks=True)
    shutil.copy(FOLDER / "THIRD-PARTY.txt", stage / app.name / "Contents" / "Resources")
    run("codesign", "--force", "--sign", "-", stage / app.name)
    (stage / "Applications").symlink_to("/Applications")
    image = ("hdiutil", "create", "-volname", "MMGPT Desktop", "-srcfolder", stage)
    run(*image, "-format", "UDZO", "-ov", dmg)
    return [dmg]


if __name__ == "__main__":
    sys.exit(main())
