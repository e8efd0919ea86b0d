"""Why a file could not be judged, in the window's language. :mod:`core.imageio` says it in English."""

from __future__ import annotations

import re

from PySide6.QtCore import QCoreApplication

from app.i18n import QT_TRANSLATE_NOOP

translate = QCoreApplication.translate

_TEXTS = (
    QT_TRANSLATE_NOOP("FileErrors", "{path} does not exist. Check the name and the folder."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} is a folder. Name image files, or a folder that may be searched."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} is not a regular file. Copy the image into a file first."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} cannot be read: {reason}. Check that you may read it."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} is empty. Copy or export the image again."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} is larger than {n} MiB. Crop or split the image first."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} has {size} pixels, which is too many. Crop it first."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} is not an image that can be read. Give it as {kinds}."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} unpacks to far too many pixels. Do not open it; crop it first."),
    QT_TRANSLATE_NOOP("FileErrors", "There is not enough memory for {path}. Close other programs, or crop it."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} is damaged or cut short ({reason}). Copy or export the image again."),
    QT_TRANSLATE_NOOP(
        "FileErrors", "{path} stores 32-bit whole numbers, whose range is unknown. Save it with 8 or 16 bits."
    ),
    QT_TRANSLATE_NOOP(
        "FileErrors", "{path} has the shape {shape}. Save one image a file, as [H, W], [C, H, W] or [H, W, C]."
    ),
    QT_TRANSLATE_NOOP("FileErrors", "{path} holds {kind} values. Give floats in [0, 1], uint8 or uint16."),
    QT_TRANSLATE_NOOP("FileErrors", "{path} is a damaged .npy file ({reason}). Save the array again."),
    QT_TRANSLATE_NOOP(
        "FileErrors", "{path} holds values that are not numbers (NaN or infinite). Save the image again."
    ),
    QT_TRANSLATE_NOOP("FileErrors", "{path} holds values from {low} to {high}. Scale them to [0, 1] and save again."),
)


def _pattern(text: str) -> re.Pattern[str]:
    """Of the sentence with anything at its gaps."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text)), re.DOTALL)


_PATTERNS = tuple((_pattern(text), text) for text in _TEXTS)


def in_words(error: str) -> str:
    """The same in the window's language; as it is where there is no translation, which says what went wrong too."""
    for pattern, text in _PATTERNS:
        if match := pattern.fullmatch(error):
            return translate("FileErrors", text).format(**match.groupdict())
    return error
