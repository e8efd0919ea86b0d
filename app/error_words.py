"""Why something could not be done, in the window's language. :mod:`core` says it in English."""

from __future__ import annotations

import re

from PySide6.QtCore import QCoreApplication

from app.i18n import QT_TRANSLATE_NOOP

translate = QCoreApplication.translate

_OF_IMAGES = (
    QT_TRANSLATE_NOOP("Errors", "{path} does not exist. Check the name and the folder."),
    QT_TRANSLATE_NOOP("Errors", "{path} is a folder. Name image files, or a folder that may be searched."),
    QT_TRANSLATE_NOOP("Errors", "{path} is not a regular file. Copy the image into a file first."),
    QT_TRANSLATE_NOOP("Errors", "{path} cannot be read: {reason}. Check that you may read it."),
    QT_TRANSLATE_NOOP("Errors", "{path} is empty. Copy or export the image again."),
    QT_TRANSLATE_NOOP("Errors", "{path} is larger than {n} MiB. Crop or split the image first."),
    QT_TRANSLATE_NOOP("Errors", "{path} has {size} pixels, which is too many. Crop it first."),
    QT_TRANSLATE_NOOP("Errors", "{path} is not an image that can be read. Give it as {kinds}."),
    QT_TRANSLATE_NOOP(
        "Errors", "{path} is a HEIC file or of its kind, which is not read. Export it as PNG, at its full size."
    ),
    QT_TRANSLATE_NOOP("Errors", "{path} unpacks to far too many pixels. Do not open it; crop it first."),
    QT_TRANSLATE_NOOP("Errors", "There is not enough memory for {path}. Close other programs, or crop it."),
    QT_TRANSLATE_NOOP("Errors", "{path} is damaged or cut short ({reason}). Copy or export the image again."),
    QT_TRANSLATE_NOOP(
        "Errors", "{path} stores 32-bit whole numbers, whose range is unknown. Save it with 8 or 16 bits."
    ),
    QT_TRANSLATE_NOOP(
        "Errors", "{path} has the shape {shape}. Save one image a file, as [H, W], [C, H, W] or [H, W, C]."
    ),
    QT_TRANSLATE_NOOP("Errors", "{path} holds {kind} values. Give floats in [0, 1], uint8 or uint16."),
    QT_TRANSLATE_NOOP("Errors", "{path} is a damaged .npy file ({reason}). Save the array again."),
    QT_TRANSLATE_NOOP("Errors", "{path} holds values that are not numbers (NaN or infinite). Save the image again."),
    QT_TRANSLATE_NOOP("Errors", "The answer about it was lost where the case was damaged. Attribute it again."),
    QT_TRANSLATE_NOOP("Errors", "{path} holds values from {low} to {high}. Scale them to [0, 1] and save again."),
)


_WHATS = (
    QT_TRANSLATE_NOOP("Errors", "{path} does not exist."),
    QT_TRANSLATE_NOOP("Errors", "{path} cannot be read: {reason}."),
    QT_TRANSLATE_NOOP("Errors", "{path} cannot be written: it is not a regular file."),
    QT_TRANSLATE_NOOP("Errors", "{path} cannot be written: {folder} may not be written to."),
    QT_TRANSLATE_NOOP("Errors", "{path} cannot be written: {reason}."),
    QT_TRANSLATE_NOOP("Errors", "{path} cannot be written to: {reason}."),
    QT_TRANSLATE_NOOP("Errors", "The folder {path} cannot be made: {reason}."),
    QT_TRANSLATE_NOOP("Errors", "Another process is at work in {path}."),
    QT_TRANSLATE_NOOP("Errors", "The disk is full: {path} takes {needed}, {free} are free."),
    QT_TRANSLATE_NOOP("Errors", "The disk is full: {path} takes {needed}."),
    QT_TRANSLATE_NOOP("Errors", "This run takes about {needed} in {folder}, where {free} are free."),
    QT_TRANSLATE_NOOP("Errors", "{path} exists already."),
    QT_TRANSLATE_NOOP("Errors", "{path} is no case, or a damaged one ({reason})."),
    QT_TRANSLATE_NOOP("Errors", "{path} belongs to a case that was moved or deleted after a crash."),
    QT_TRANSLATE_NOOP("Errors", "{path} is in use by another program."),
    QT_TRANSLATE_NOOP("Errors", "{path} is in use by processes that share it."),
    QT_TRANSLATE_NOOP("Errors", "{path} may only be read."),
    QT_TRANSLATE_NOOP("Errors", "{path} was moved, deleted or replaced while it was open."),
    QT_TRANSLATE_NOOP("Errors", "{path} is a folder."),
    QT_TRANSLATE_NOOP("Errors", "{path} cannot be used: {reason}."),
    QT_TRANSLATE_NOOP("Errors", "{path} is a database of another program."),
    QT_TRANSLATE_NOOP("Errors", "{path} has the schema {found}, this program reads {known}."),
    QT_TRANSLATE_NOOP("Errors", "{path} is not in the case; it may have been found again under another name."),
    QT_TRANSLATE_NOOP("Errors", "{path} was given another tag or note by another window or program meanwhile."),
    QT_TRANSLATE_NOOP("Errors", "{path} does not tell any more which pack judged its images."),
    QT_TRANSLATE_NOOP("Errors", "{path} has lost the pack {pack}, and this machine has it not."),
    QT_TRANSLATE_NOOP("Errors", "There is no pack {name}."),
    QT_TRANSLATE_NOOP("Errors", "{path} is no pack, or one that is damaged or cut short ({reason})."),
    QT_TRANSLATE_NOOP("Errors", "{path}: the weights' hash is {found}, the manifest says {stated}."),
    QT_TRANSLATE_NOOP("Errors", "{path}: the manifest's schema is {found}, this program reads {known}."),
    QT_TRANSLATE_NOOP(
        "Errors",
        "{path}: the weights do not fit the manifest's {attacks} attacks, {victims} victims and network: {reason}.",
    ),
    QT_TRANSLATE_NOOP("Errors", "{path} holds {name}, a pickle, which could run a program."),
    QT_TRANSLATE_NOOP("Errors", "{path}: {name} is compressed or encrypted."),
    QT_TRANSLATE_NOOP("Errors", "{path}: {name} is larger than {n} MiB."),
    QT_TRANSLATE_NOOP("Errors", "{path}: {name} is not JSON ({reason})."),
    QT_TRANSLATE_NOOP("Errors", "{path}: {name} is not safetensors but {kind}."),
    QT_TRANSLATE_NOOP("Errors", "What the pack {name} answers is no number."),
    QT_TRANSLATE_NOOP("Errors", "Another pack named {name} is already there."),
    QT_TRANSLATE_NOOP("Errors", "The program comes with a pack named {name}."),
    QT_TRANSLATE_NOOP("Errors", "{path} is not one that was imported."),
    QT_TRANSLATE_NOOP("Errors", "This machine has no device {name}."),
    QT_TRANSLATE_NOOP("Errors", "{name} is no device."),
    QT_TRANSLATE_NOOP("Errors", "{name} is not supported."),
    QT_TRANSLATE_NOOP("Errors", "{device} has not enough free memory for one image."),
    QT_TRANSLATE_NOOP("Errors", "No file of {name} is at hand."),
    QT_TRANSLATE_NOOP("Errors", "{path} was changed while the program ran."),
    QT_TRANSLATE_NOOP("Errors", "The pack's own victims are not asked."),
    QT_TRANSLATE_NOOP("Errors", "The pack {name} cannot ask victims."),
    QT_TRANSLATE_NOOP("Errors", "{path} takes images of {size}, the pack {name} {other}."),
    QT_TRANSLATE_NOOP("Errors", "{path} gives itself a name that cannot be shown."),
    QT_TRANSLATE_NOOP("Errors", "{path} is no file."),
    QT_TRANSLATE_NOOP("Errors", "There is no victim {path}."),
    QT_TRANSLATE_NOOP("Errors", "{path} is not a victim file: {reason}."),
    QT_TRANSLATE_NOOP("Errors", "What {name} says of an image is no number."),
    QT_TRANSLATE_NOOP("Errors", "{name} cannot be asked: {reason}."),
    QT_TRANSLATE_NOOP("Errors", "The file does not hold the program that its card speaks of."),
    QT_TRANSLATE_NOOP("Errors", "The weights are not a {name}'s."),
    QT_TRANSLATE_NOOP("Errors", "A victim of the closed set is not at hand."),
    QT_TRANSLATE_NOOP("Errors", "None of the clean images could be judged."),
    QT_TRANSLATE_NOOP("Errors", "The pack {name} does not know “clean”."),
    QT_TRANSLATE_NOOP("Errors", "The known clean images were judged by another pack, or with other victims."),
    QT_TRANSLATE_NOOP("Errors", "{path} was made asking {settled}, and now it would be asking {wanted}."),
)
"""What is wrong with a case, a pack, a victim, a device or a disk; the narrower sentence before the wider."""

_REMEDIES = (
    QT_TRANSLATE_NOOP("Errors", "Read what stands there now, and edit that."),
    QT_TRANSLATE_NOOP("Errors", "Hand over its file, or open the set."),
    QT_TRANSLATE_NOOP("Errors", "Check the name and the folder."),
    QT_TRANSLATE_NOOP("Errors", "Check the path."),
    QT_TRANSLATE_NOOP("Errors", "Check the folder."),
    QT_TRANSLATE_NOOP("Errors", "Choose a folder that exists and is yours."),
    QT_TRANSLATE_NOOP("Errors", "Choose a folder that is yours."),
    QT_TRANSLATE_NOOP("Errors", "Choose a file in a folder that exists."),
    QT_TRANSLATE_NOOP("Errors", "Choose a file in a folder."),
    QT_TRANSLATE_NOOP("Errors", "Choose another folder."),
    QT_TRANSLATE_NOOP("Errors", "Wait for its end, or choose another folder."),
    QT_TRANSLATE_NOOP("Errors", "Wait for their end."),
    QT_TRANSLATE_NOOP(
        "Errors",
        "Make room on the disk of {folder} and do the same again: what was kept before is still there.",
    ),
    QT_TRANSLATE_NOOP("Errors", "Make room there, choose a folder on another disk, or ask for fewer examples."),
    QT_TRANSLATE_NOOP("Errors", "Go on with it (open it in the window, or --resume), or choose another name."),
    QT_TRANSLATE_NOOP("Errors", "Go back to a copy of it, or start a new case."),
    QT_TRANSLATE_NOOP(
        "Errors", "Go back to a copy of it, or recover what can still be read into a new case (mtaa case recover)."
    ),
    QT_TRANSLATE_NOOP("Errors", "Go back to a copy of it."),
    QT_TRANSLATE_NOOP("Errors", "Import that pack first."),
    QT_TRANSLATE_NOOP("Errors", "Put it back beside that case and open it, or delete it."),
    QT_TRANSLATE_NOOP("Errors", "Wait for it, or close it."),
    QT_TRANSLATE_NOOP("Errors", "Copy it to where you may write, and open the copy."),
    QT_TRANSLATE_NOOP("Errors", "Copy the case elsewhere."),
    QT_TRANSLATE_NOOP("Errors", "The case is as it was. Free or check its disk, or copy it elsewhere."),
    QT_TRANSLATE_NOOP("Errors", "Choose a {kind} file."),
    QT_TRANSLATE_NOOP("Errors", "Put it back, or open it where it is now."),
    QT_TRANSLATE_NOOP("Errors", "Use the version of the program that wrote the case."),
    QT_TRANSLATE_NOOP("Errors", "Use the version of the program that wrote the pack."),
    QT_TRANSLATE_NOOP("Errors", "Look for that name in the list."),
    QT_TRANSLATE_NOOP("Errors", "Give the path of a {kind} file or one of these: {known}."),
    QT_TRANSLATE_NOOP("Errors", "Copy or download the pack again."),
    QT_TRANSLATE_NOOP("Errors", "Use a pack that this program or its command line exported."),
    QT_TRANSLATE_NOOP("Errors", "Take it from where it was made again."),
    QT_TRANSLATE_NOOP("Errors", "Remove that one first, or use this one by its path: {path}."),
    QT_TRANSLATE_NOOP("Errors", "Use this one by its path: {path}."),
    QT_TRANSLATE_NOOP("Errors", "Only imported packs can be removed."),
    QT_TRANSLATE_NOOP("Errors", "Use auto or cpu."),
    QT_TRANSLATE_NOOP("Errors", "Use auto, cpu, cuda or cuda:N."),
    QT_TRANSLATE_NOOP("Errors", "Close other programs that use it, or choose another device."),
    QT_TRANSLATE_NOOP("Errors", "Hand over the victim's {kind} file."),
    QT_TRANSLATE_NOOP("Errors", "Load the pack again."),
    QT_TRANSLATE_NOOP("Errors", "Do the same again."),
    QT_TRANSLATE_NOOP("Errors", "Train a pack whose scenario has [probes]."),
    QT_TRANSLATE_NOOP("Errors", "Choose a pack for images of its size."),
    QT_TRANSLATE_NOOP("Errors", "Bring the victim in under another."),
    QT_TRANSLATE_NOOP("Errors", "Train it with `mtaa victims train` into this folder, or name another."),
    QT_TRANSLATE_NOOP(
        "Errors",
        "Train it with `mtaa victims train`, or make it of a model of your own (TorchScript, "
        "torch.export, ONNX, a state dict) with `mtaa victims import`.",
    ),
    QT_TRANSLATE_NOOP("Errors", "Do not ask it, or hand over another file."),
    QT_TRANSLATE_NOOP("Errors", "Bring the victim again."),
    QT_TRANSLATE_NOOP("Errors", "Train it again."),
    QT_TRANSLATE_NOOP("Errors", "Choose images that can be read."),
    QT_TRANSLATE_NOOP("Errors", "Choose one that does."),
    QT_TRANSLATE_NOOP("Errors", "Give them again."),
    QT_TRANSLATE_NOOP("Errors", "Forget them, and take them again."),
    QT_TRANSLATE_NOOP(
        "Errors",
        "Ask the same victims (in the window's list, or by --victim, --no-ask and --closed-set), or start a new case.",
    ),
)
"""What to do about it."""

_Patterns = tuple[tuple[re.Pattern[str], str], ...]


def _patterns(texts: tuple[str, ...]) -> _Patterns:
    """Of the sentences with anything at their gaps."""
    whole = (re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text)) for text in texts)
    return tuple((re.compile(pattern, re.DOTALL), text) for pattern, text in zip(whole, texts, strict=True))


_IMAGE_PATTERNS, _WHAT_PATTERNS, _REMEDY_PATTERNS = map(_patterns, (_OF_IMAGES, _WHATS, _REMEDIES))


def in_words(error: str) -> str:
    """The same in the window's language; as it is where there is no translation, which says what went wrong too."""
    if said := _said(error, _IMAGE_PATTERNS):
        return said
    for space in re.finditer(r"(?<=\.) ", error):  # between what is wrong and what to do
        what, remedy = error[: space.start()], error[space.end() :]
        told = _said(what, _WHAT_PATTERNS), _said(remedy, _REMEDY_PATTERNS)
        if all(told):
            return translate("Errors", "{what} {remedy}").format(what=told[0], remedy=told[1])
    return _said(error, _WHAT_PATTERNS) or error


def _said(sentence: str, patterns: _Patterns) -> str | None:
    for pattern, text in patterns:
        if match := pattern.fullmatch(sentence):
            return translate("Errors", text).format(**match.groupdict())
    return None
