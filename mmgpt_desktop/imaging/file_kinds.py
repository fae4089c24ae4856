"""What kind of picture a file is, from its first bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

HEAD = 4096  # of a file's first bytes, so many say what it is


@dataclass(frozen=True)
class FileKind:
    """A kind of picture that is read. Those without a mark are told by the functions below."""

    most_pixels: int  # what a decoder needs for one differs
    suffixes: tuple[str, ...]
    mark: bytes = b""  # a pattern for its first bytes
    many: str = ""  # what is told apart in a file that holds several
    usual: bool = False  # what goes wrong in it is damage; of others not all is known to a decoder

    def marks(self, head: bytes) -> bool:
        return bool(self.mark) and re.match(self.mark, head, re.DOTALL) is not None


# The most usual first, as a dialog offers to open them.
KINDS = {
    "JPEG": FileKind(
        400_000_000,  # decoded at a part of its size
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        # There may be junk behind its start.
        rb"\xff\xd8.{,300}?\xff[\xc0-\xc4\xc9-\xcb\xda\xdb\xdd\xe0-\xef\xfe]",
        usual=True,
    ),
    "PNG": FileKind(
        100_000_000, (".png", ".apng"), rb"\x89PNG\r\n\x1a\n", many="frames", usual=True
    ),
    "WebP": FileKind(40_000_000, (".webp",), rb"RIFF....WEBP", many="frames", usual=True),
    "GIF": FileKind(100_000_000, (".gif",), rb"GIF8[79]a", many="frames", usual=True),
    "HEIC": FileKind(64_000_000, (".heic", ".heif", ".hif")),
    "AVIF": FileKind(64_000_000, (".avif",), many="frames"),
    "JPEG XL": FileKind(50_000_000, (".jxl",), rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    "TIFF": FileKind(
        100_000_000, (".tif", ".tiff"), rb"II[*+]\0|MM\0[*+]", many="pages", usual=True
    ),
    # Also without a file's header.
    "BMP": FileKind(
        100_000_000, (".bmp", ".dib"), rb"BM.{13}\0\0\0|\x28\0\0\0.{8}\x01\0", usual=True
    ),
    "PPM": FileKind(
        100_000_000, (".ppm", ".pgm", ".pbm", ".pnm"), rb"P[1-6][\s#]|P7\n|Pf\s", usual=True
    ),
    "JPEG 2000": FileKind(
        40_000_000, (".jp2", ".j2k", ".jpx"), rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"
    ),
    "PSD": FileKind(40_000_000, (".psd",), rb"8BPS\0\x01"),
    "TGA": FileKind(40_000_000, (".tga",)),
    "PCX": FileKind(40_000_000, (".pcx",), rb"\x0a[\x00\x02\x03\x05]\x01.{125}"),
    "SGI": FileKind(40_000_000, (".sgi",), rb"\x01\xda[\x00\x01]"),
    "DDS": FileKind(16_000_000, (".dds",), rb"DDS "),
    "QOI": FileKind(4_000_000, (".qoi",), rb"qoif"),  # Pillow reads it in Python: a few seconds
    "ICO": FileKind(1_100_000, (".ico", ".cur")),  # icons, and cursors
    "ICNS": FileKind(1_100_000, (".icns",), rb"icns"),
}
PICTURE_SUFFIXES = tuple(suffix for kind in KINDS.values() for suffix in kind.suffixes)
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".ogv"),
    *(".wmv", ".flv"),
)

_AVIF_BRANDS = frozenset((b"avif", b"avis", b"MA1A", b"MA1B"))
_HEIF_BRANDS = frozenset(
    b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 mif3 msf1 miaf MiHB MiHA MiHE MiPr "
    b"avci avcs jpeg jpgs j2ki j2is vvic vvis evbi evbs unif tmap".split()
)
JPEG_LS = b"\xff\xd8\xff\xf7"  # it begins like any JPEG


def kind_of(head: bytes, name: str) -> str:
    """One of `KINDS`; empty for what isn't read. `head` is a file's first `HEAD` bytes."""
    if raw_kind(head, name) or head.startswith(JPEG_LS):
        return ""
    for kind, facts in KINDS.items():
        if facts.marks(head):
            return kind
    if PurePath(name).suffix.lower() in (".tga", ".icb", ".vda", ".vst") and _is_tga(head):
        return "TGA"
    return "ICO" if _is_icon(head) else box_kind(head)


def box_kind(head: bytes) -> str:
    """HEIC or AVIF, by any of the brands at the start of a file made of boxes, as MP4 is too."""
    if head[4:8] != b"ftyp":
        return ""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "AVIF" if b"av01" in head and b"hvc1" not in head else "HEIC"
    return ""


def is_boxed_picture(head: bytes) -> bool:
    """HEIC, AVIF or Canon's raw: they lie in the same kind of boxes as MP4."""
    return bool(box_kind(head)) or raw_kind(head, "") == "CR3"


def _is_icon(head: bytes) -> bool:
    """Of Windows, or a cursor: how many pictures there are, and the first one behind the list."""
    count, first = (
        int.from_bytes(head[at : at + size], "little") for at, size in ((4, 2), (18, 4))
    )
    return head[:4] in (b"\0\0\1\0", b"\0\0\2\0") and 0 < count < 256 and first >= 6 + 16 * count


def _is_tga(head: bytes) -> bool:
    """It has no mark of its own, only a header that makes sense."""
    return (
        len(head) > 18
        and head[1] in (0, 1)
        and head[2] in (1, 2, 3, 9, 10, 11)
        and head[16] in (1, 8, 15, 16, 24, 32)
        and head[12:14] != b"\0\0" != head[14:16]
    )


_RAW_STARTS = {
    b"FUJIFILMCCD-RAW": "RAF",
    b"IIU\0": "RW2",
    b"IIRO": "ORF",
    b"IIRS": "ORF",
    b"MMOR": "ORF",
    b"FOVb": "X3F",
    b"\0MRM": "MRW",
}
_RAW_SUFFIXES = re.compile(
    r"\.(3fr|ari|arw|bay|cr2|cr3|crw|dcr|dng|erf|fff|iiq|kdc|mef|mos|mrw|nef|nrw|orf|pef|raf|raw|rw2"
    r"|rwl|sr2|srf|srw|x3f)",
    re.IGNORECASE,
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def raw_kind(head: bytes, name: str) -> str:
    """The short name of a camera's raw picture, or empty. Most kinds of it look like a TIFF."""
    for start, kind in _RAW_STARTS.items():
        if head.startswith(start):
            return kind
    if head[:4] == b"II*\0" and head[8:10] == b"CR":
        return "CR2"
    if head[:8] == b"II\x1a\0\0\0HE" or head[6:14] == b"HEAPCCDR":
        return "CRW"
    if head[4:12] == b"ftypcrx ":
        return "CR3"
    found = _RAW_SUFFIXES.fullmatch(PurePath(name).suffix)
    return found.group(1).upper() if found and head[:4] in _TIFF else ""
