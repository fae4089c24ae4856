"""A photo as the window paints it: opened, and made ready, in any thread."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakKeyDictionary

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPixmap

from mmgpt_desktop.errors import ImageError
from mmgpt_desktop.messages import Photo
from mmgpt_desktop.note import Note
from mmgpt_desktop.painted import Painting
from mmgpt_desktop.text import safe_name
from mmgpt_desktop.ui.widgets.theme import untinted

SMALLEST_LEVEL_EDGE = 256


_levels: WeakKeyDictionary[Photo, tuple[QImage, ...]] = WeakKeyDictionary()
_icons: WeakKeyDictionary[Photo, QIcon] = WeakKeyDictionary()


def levels_of(photo: Photo) -> tuple[QImage, ...]:
    """The images that a photo is painted from, from large to small, halving. The first one shares
    the photo's memory.

    They are made once, and live as long as the photo.
    """
    levels = _levels.get(photo)
    if levels is None:
        levels = _levels[photo] = _made_levels(photo)
    return levels


def level_for(photo: Photo, width: float) -> QImage:
    """The smallest level that is as wide, or the largest that there is."""
    fine = [level for level in levels_of(photo) if level.width() >= width]
    return fine[-1] if fine else levels_of(photo)[0]


def icon_of(photo: Photo) -> QIcon:
    """Of its smallest level. For the GUI thread; made once, as those are."""
    icon = _icons.get(photo)
    if icon is None:
        icon = _icons[photo] = untinted(QPixmap.fromImage(levels_of(photo)[-1]))
    return icon


def with_levels(photo: Photo) -> Photo:
    """The same photo, and the window won't have to make its levels."""
    levels_of(photo)
    return photo


def _made_levels(photo: Photo) -> tuple[QImage, ...]:
    rgb = QImage.Format.Format_RGB888
    image = QImage(photo.pixels.data, photo.width, photo.height, photo.pixels.strides[0], rgb)
    levels = [image]
    while max(levels[-1].width(), levels[-1].height()) > SMALLEST_LEVEL_EDGE:
        levels.append(_halved(levels[-1]))
    return tuple(levels)


def _halved(image: QImage) -> QImage:
    half = (image.size() / 2).expandedTo(QSize(1, 1))
    ignore, smooth = (
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    return image.scaled(half, ignore, smooth).convertToFormat(QImage.Format.Format_RGB32)


def photo_from_file(path: Path) -> Photo:
    from mmgpt_desktop.imaging.images import load_photo

    return with_levels(load_photo(path))


def logo_from_file(path: Path) -> QImage:
    """With what is transparent in it. Raises ImageError."""
    from mmgpt_desktop.imaging.images import load_logo

    pixels = load_logo(path)
    height, width, _ = pixels.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def tile_from_file(path: Path, most: QSize) -> QImage:
    """A picture in a small size; null for a file that holds none that can be opened."""
    from mmgpt_desktop.imaging.images import load_photo

    try:
        photo = load_photo(path)
    except ImageError:
        return QImage()
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    wanted = levels_of(photo)[0].size().scaled(most, keep)
    return level_for(photo, wanted.width()).scaled(wanted, keep, smooth).copy()


def photo_from_data(data: bytes, name: str) -> Photo:
    from mmgpt_desktop.imaging.images import photo_from_bytes

    return with_levels(photo_from_bytes(data, name))


def photo_from_painting(painting: Painting, name: str, notes: tuple[Note, ...] = ()) -> Photo:
    """What a painter drew."""
    from mmgpt_desktop.imaging.images import photo_of

    return with_levels(photo_of(painting.pixels, safe_name(name), notes))


def photo_from_image(image: QImage, name: str) -> Photo:
    """What a camera, the screen, the clipboard or a drag gives as pixels only."""
    from mmgpt_desktop.imaging.images import photo_of_image
    from mmgpt_desktop.imaging.qt_images import pillow_image

    if image.isNull():
        raise ImageError(
            "The clipboard holds no picture that can be read.",
            "Copy the picture again, or save it as a file and open that.",
        )
    return with_levels(photo_of_image(pillow_image(image), name))
