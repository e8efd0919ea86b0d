"""One table of settings: it yields the defaults, the checks, the preferences dialog and the file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

from app.colormaps import DIVERGING, SEQUENTIAL
from app.i18n import QT_TRANSLATE_NOOP
from app.images.order import SORTS
from core.types import DEFAULT_COVERAGE

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Setting:
    """``choices`` as (value, label); ``low`` and ``high`` bound numbers; an empty label keeps it out of the dialog."""

    key: str
    default: Value
    label: str = ""
    group: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    low: float = 0
    high: float = 100
    help: str = ""

    def accept(self, raw: object) -> Value:
        """``raw``, as the ini file holds it, as a valid value; the default when it is none."""
        try:
            value = self._typed(str(raw))
        except ValueError:
            return self.default
        if self.choices and value not in [choice for choice, _ in self.choices]:
            return self.default
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return type(self.default)(min(self.high, max(self.low, value)))
        return value

    def _typed(self, raw: str) -> Value:
        if isinstance(self.default, bool):
            if raw.lower() not in ("true", "false"):
                raise ValueError(raw)
            return raw.lower() == "true"
        if isinstance(self.default, (int, float)):
            number = float(raw)
            if not math.isfinite(number):
                raise ValueError(raw)
            return number
        return raw


def _plain(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((value, value) for value in values)


LOOK = QT_TRANSLATE_NOOP("Settings", "Appearance")
VIEW = QT_TRANSLATE_NOOP("Settings", "Viewer")
JUDGE = QT_TRANSLATE_NOOP("Settings", "Attribution")
FILES = QT_TRANSLATE_NOOP("Settings", "Files")

TABLE: tuple[Setting, ...] = (
    Setting(
        "appearance/theme", "system", QT_TRANSLATE_NOOP("Settings", "Theme"), LOOK,
        (("system", QT_TRANSLATE_NOOP("Settings", "As the system")),
         ("light", QT_TRANSLATE_NOOP("Settings", "Light")),
         ("dark", QT_TRANSLATE_NOOP("Settings", "Dark"))),
    ),
    Setting(
        "appearance/language", "system", QT_TRANSLATE_NOOP("Settings", "Language"), LOOK,
        (("system", QT_TRANSLATE_NOOP("Settings", "As the system")), ("en", "English"), ("zh_CN", "简体中文")),
    ),
    Setting("viewer/opacity", 0.6, QT_TRANSLATE_NOOP("Settings", "Heatmap opacity"), VIEW, low=0.0, high=1.0),
    Setting(
        "viewer/gain", 4.0, QT_TRANSLATE_NOOP("Settings", "Gain of signed values"), VIEW, low=1.0, high=128.0,
        help=QT_TRANSLATE_NOOP("Settings", "Factor on the estimated perturbation and on differences"),
    ),
    Setting(
        "viewer/gain_fits", True, QT_TRANSLATE_NOOP("Settings", "The gain fits each picture"), VIEW,
        help=QT_TRANSLATE_NOOP("Settings", "Until another one is set below the picture"),
    ),
    Setting(
        "viewer/sequential", "inferno", QT_TRANSLATE_NOOP("Settings", "Colour map of the heatmap"), VIEW,
        _plain(SEQUENTIAL),
    ),
    Setting(
        "viewer/diverging", "coolwarm", QT_TRANSLATE_NOOP("Settings", "Colour map of signed values"), VIEW,
        _plain(DIVERGING),
    ),
    Setting("viewer/panes", 1, QT_TRANSLATE_NOOP("Settings", "Panes"), VIEW, low=1, high=4),
    Setting("viewer/linked", True, QT_TRANSLATE_NOOP("Settings", "Zoom and pan all panes together"), VIEW),
    Setting(
        "attribution/coverage", DEFAULT_COVERAGE, QT_TRANSLATE_NOOP("Settings", "Coverage"), JUDGE, low=0.8, high=0.99,
        help=QT_TRANSLATE_NOOP("Settings", "How often prediction sets and intervals shall hold the truth"),
    ),
    Setting(
        "files/subfolders", True, QT_TRANSLATE_NOOP("Settings", "Folders are opened with their subfolders"), FILES
    ),
    Setting(
        "files/recent_limit", 10, QT_TRANSLATE_NOOP("Settings", "Recent files to remember"), FILES, low=0, high=30
    ),
    Setting("attribution/pack", ""),
    Setting("attribution/device", "auto"),
    Setting("attribution/ask", True),
    Setting("attribution/closed-set", ""),
    Setting("attribution/victims", ""),
    Setting("attribution/reference", ""),
    Setting("attribution/clean-images", ""),
    Setting("training/last", ""),
    Setting("files/opened", False),
    Setting("panes/layers", ""),
    Setting("list/order", "opened", choices=_plain(SORTS)),
    Setting("list/reverse", False),
)  # fmt: skip

BY_KEY = {setting.key: setting for setting in TABLE}


class Settings(QObject):
    """The table's values, kept in an ini file that is replaced atomically."""

    changed = Signal(str)
    """The key of a value that is now another."""

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        folder = Path(platformdirs.user_config_path("mtaa-workbench", appauthor=False))
        self.path = path or folder / "settings.ini"
        self._file = QSettings(str(self.path), QSettings.Format.IniFormat, self)
        self._file.setAtomicSyncRequired(True)

    def __getitem__(self, key: str) -> Value:
        setting = BY_KEY[key]
        return setting.accept(self._file.value(key, setting.default))

    def text(self, key: str) -> str:
        return str(self[key])

    def number(self, key: str) -> float:
        return float(self[key])

    def flag(self, key: str) -> bool:
        return bool(self[key])

    def __setitem__(self, key: str, value: Value) -> None:
        checked = BY_KEY[key].accept(value)
        if checked != self[key]:
            self._file.setValue(key, str(checked))
            self.changed.emit(key)

    def reset(self) -> None:
        """Every value that has a label back to its default; what was chosen elsewhere, layout and recent files stay."""
        for setting in TABLE:
            if setting.label:
                self[setting.key] = setting.default

    def recent(self) -> list[str]:
        """Paths opened last, newest first."""
        count = self._file.beginReadArray("recent")
        paths = []
        for at in range(count):
            self._file.setArrayIndex(at)
            paths.append(str(self._file.value("path", "")))
        self._file.endArray()
        return [path for path in paths if path]

    def add_recent(self, *paths: str) -> None:
        self.set_recent(list(dict.fromkeys((*paths, *self.recent()))))
        self["files/opened"] = True  # which stays known where none of them are to be remembered

    def set_recent(self, paths: list[str]) -> None:
        kept = paths[: int(self.number("files/recent_limit"))]
        self._file.remove("recent")
        self._file.beginWriteArray("recent", len(kept))
        for at, path in enumerate(kept):
            self._file.setArrayIndex(at)
            self._file.setValue("path", path)
        self._file.endArray()
        self.changed.emit("recent")

    def layout(self, name: str) -> QByteArray:
        """A window's or splitter's saved state; empty when there is none."""
        value = self._file.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def keep_layout(self, name: str, state: QByteArray) -> None:
        self._file.setValue(f"layout/{name}", state)

    def flush(self) -> None:
        self._file.sync()
