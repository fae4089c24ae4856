"""The card on paper."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QImage, QPageLayout, QPageSize, QPainter
from PySide6.QtPrintSupport import QPrinter, QPrinterInfo

from mmgpt_desktop.errors import AppError
from mmgpt_desktop.event.card import DPI


def usual_printer() -> QPrinter:
    """On postcards, if it knows them. Asks the system, so not in the window's thread."""
    info = QPrinterInfo.defaultPrinter()
    if info.isNull():
        raise AppError(
            "This computer has no printer.",
            "Add one in the system's settings, and make it the usual one.",
        )
    printer = QPrinter(info, QPrinter.PrinterMode.HighResolution)
    postcard = QPageSize(QPageSize.PageSizeId.A6)
    if postcard in info.supportedPageSizes():
        printer.setPageSize(postcard)
    return printer


def print_card(image: QImage, printer: QPrinter) -> None:
    """For a thread that may wait. The job's name says nothing about what is on the card."""
    lies = image.width() > image.height()
    way = QPageLayout.Orientation
    printer.setPageOrientation(way.Landscape if lies else way.Portrait)
    printer.setDocName("MMGPT Desktop")
    painter = QPainter()
    if not painter.begin(printer):
        raise AppError(
            "The printer {name} takes nothing now.",
            "Look whether it is on, has paper, and shows an error.",
            name=printer.printerName() or "-",
        )
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(placed(image, QRectF(painter.viewport()), printer.resolution()), image)
    painter.end()


def placed(image: QImage, page: QRectF, resolution: float) -> QRectF:
    """In the page's middle, in true size, or smaller where the page is."""
    true = QSizeF(image.size()) * (resolution / DPI)
    shrink = min(1.0, page.width() / true.width(), page.height() / true.height())
    place = QRectF(page.topLeft(), true * shrink)
    place.moveCenter(page.center())
    return place
