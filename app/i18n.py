"""The languages of the window: Qt's own translation files, ours and those of Qt itself."""

from __future__ import annotations

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from core.paths import RESOURCES

FOLDER = RESOURCES / "i18n"


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:  # noqa: N802  (the name that the translation tools look for)
    """Marks ``text`` in a table for translation where it is shown. Qt's own is typed to return any object."""
    return text


def resolve(language: str) -> str:
    """ "system" as the nearest language there is: Chinese where the system speaks it, English elsewhere."""
    if language != "system":
        return language
    return "zh_CN" if QLocale.system().language() == QLocale.Language.Chinese else "en"


def install(app: QApplication, language: str) -> list[QTranslator]:
    """Translate from now on; windows that are open already keep their words. Returns what ``remove`` takes back."""
    name = resolve(language)
    QLocale.setDefault(QLocale(name))
    if name == "en":
        return []
    translators = []
    for file, folder in (
        (f"qtbase_{name}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
        (f"mtaa_{name}", str(FOLDER)),
    ):
        translator = QTranslator(app)
        if translator.load(file, folder):
            app.installTranslator(translator)
            translators.append(translator)
    return translators


def remove(app: QApplication, translators: list[QTranslator]) -> None:
    for translator in translators:
        app.removeTranslator(translator)
        translator.deleteLater()
    translators.clear()
