"""Colours as a file's profile means them, in sRGB, which is what screens and models expect."""

from __future__ import annotations

import io
import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mmgpt_desktop.imaging.repair import MOST_PROFILE

# A profile's name for its colours, and the mode of the pixels that it may stand by.
_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"Lab ": "LAB"}
_BARELY = 2  # of 255: such a difference is left alone, so that sRGB's many profiles change nothing
_WHITE_NITS = 203.0  # of diffuse white in HDR (ITU-R BT.2408)

# x and y of red, green, blue and white (ITU-T H.273).
_D65 = (0.3127, 0.3290)
_PRIMARIES = {
    1: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65),
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65),
    7: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351),
    12: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *_D65),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """As RGB or, with the alpha that it has, RGBA. A profile that is broken or fits other pixels
    is ignored, as viewers do."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if alpha is not None:
        image = image.convert("L" if image.mode == "LA" else "RGB")
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("RGB")
    solid = _converted(image, profile)
    if alpha is not None:
        solid.putalpha(alpha)
    return solid


def _converted(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = _SPACES.get(profile[16:20], "") if profile and len(profile) <= MOST_PROFILE else ""
    if mode == "RGB" and image.mode == "L":
        image = image.convert("RGB")
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return _applied(image, ImageCms.ImageCmsProfile(lab)) or image.getchannel(0).convert("RGB")
    if profile and mode == image.mode:
        try:
            return _applied(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
            pass
    return image.convert("RGB")


def _applied(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    transform = ImageCms.buildTransform(
        profile, _srgb(), image.mode, "RGB", ImageCms.Intent.PERCEPTUAL
    )
    if image.mode in ("L", "RGB"):
        ramp = _ramp(image.mode)
        plain = np.asarray(ramp.convert("RGB"), np.int16)
        changed = np.asarray(ImageCms.applyTransform(ramp, transform), np.int16)
        if np.abs(changed - plain).max() <= _BARELY:
            return image.convert("RGB")
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _ramp(mode: str) -> Image.Image:
    """Colours from all over the cube, or all greys."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    return Image.fromarray(cube.reshape(1, -1, 3))


def _made_profile(points: tuple[float, ...], curve: NDArray[np.float64]) -> bytes:
    try:
        from mmgpt_desktop.imaging.qt_images import icc_profile
    except ImportError:  # a server without Qt's system libraries: colours as they are stored
        return b""
    return icc_profile(points, curve)


def coded_profile(primaries: int, transfer: int) -> bytes:
    """A profile for the numbers that videos, HEIC, AVIF and PNG name colours by; empty for sRGB."""
    ordinary = transfer not in (*_GAMMAS, _PQ, _HLG)
    if primaries not in _PRIMARIES or (primaries in (1, 5, 6, 7) and ordinary):
        return b""
    return _made_profile(_PRIMARIES[primaries], _coded_curve(transfer))


def box_profile(head: bytes) -> bytes:
    """The same for the first colour numbers in the boxes of a HEIC or AVIF."""
    place = head.find(b"colrnclx")
    numbers = head[place + 8 : place + 12]
    return (
        coded_profile(*struct.unpack(">HH", numbers)) if place >= 0 and len(numbers) == 4 else b""
    )


def jp2_profile(head: bytes) -> bytes:
    """What a JPEG 2000's boxes hold of a profile (ISO/IEC 15444-1, I.5.3.3): method 2."""
    place = head.find(b"colr\2")
    if place < 4:
        return b""
    size = int.from_bytes(head[place - 4 : place], "big")
    return head[place + 7 : place - 4 + size]


def gamma_profile(gamma: float | None, chromaticity: tuple[float, ...] | None) -> bytes:
    """Of a PNG's gAMA (an encoding exponent) and cHRM (white first); empty for about sRGB."""
    points = _PRIMARIES[1]
    if chromaticity and len(chromaticity) == 8:
        points = (*chromaticity[2:], *chromaticity[:2])
    usual = gamma is None or abs(gamma - 1 / 2.2) < 0.01
    if usual and np.allclose(points, _PRIMARIES[1], atol=0.004):
        return b""
    if gamma is not None and not 0.1 < gamma < 10:
        return b""
    curve = _srgb_curve() if usual or gamma is None else _LIGHT ** (1 / gamma)
    return _made_profile(points, curve)


_LIGHT = np.linspace(0, 1, 1024)  # of the values in a file, 0 to 1


def _srgb_curve() -> NDArray[np.float64]:
    """Linear light for each value (IEC 61966-2-1)."""
    return np.where(_LIGHT <= 0.04045, _LIGHT / 12.92, ((_LIGHT + 0.055) / 1.055) ** 2.4)


def _coded_curve(transfer: int) -> NDArray[np.float64]:
    if transfer in _GAMMAS:
        return _LIGHT ** _GAMMAS[transfer]
    if transfer == _PQ:  # SMPTE ST 2084, in cd/m2
        root = _LIGHT ** (1 / 78.84375)
        light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return np.minimum(10000 * light ** (1 / 0.1593017578125) / _WHITE_NITS, 1)
    if transfer == _HLG:  # ITU-R BT.2100; 75 % of the signal is diffuse white
        upper = (np.exp((_LIGHT - 0.55991073) / 0.17883277) + 0.28466892) / 12
        light = np.where(_LIGHT <= 0.5, _LIGHT**2 / 3, upper)
        return np.minimum(light / 0.265, 1)
    return _srgb_curve()
