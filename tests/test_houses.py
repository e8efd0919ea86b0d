"""Who may need what: core and training work without Qt, and nothing before the first paint imports torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in ("PySide6", "shiboken6"):
    sys.modules[name] = None  # importing it now fails as if it were not installed
house = importlib.import_module(sys.argv[1])
names = [m.name for m in pkgutil.walk_packages(house.__path__, sys.argv[1] + ".") if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""

IMPORT_LIGHT = """
import importlib, sys
importlib.import_module(sys.argv[1])
heavy = {"torch", "torchvision", "cleverhans", "sklearn", "scipy", "matplotlib"} & set(sys.modules)
assert heavy <= set(sys.argv[2:]), heavy
"""


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("house", ["core", "training"])
def test_house_works_without_qt(house: str) -> None:
    files = [path for path in (ROOT / house).rglob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    assert int(run(IMPORT_ALL, house)) >= len(files) > 5, "every module was imported"


@pytest.mark.parametrize("module", ["app.__main__", "app.cli", "app.window", "core.pack", "core.imageio"])
def test_first_paint_needs_nothing_heavy(module: str) -> None:
    run(IMPORT_LIGHT, module)


def test_an_answer_by_the_image_waits_for_torch_alone() -> None:
    run(IMPORT_LIGHT, "core.attributor", "torch")


def test_every_package_is_installed() -> None:
    """A folder with modules but without ``__init__.py`` would be left out of the wheel."""
    for house in ("app", "core", "training"):
        for folder in {path.parent for path in (ROOT / house).rglob("*.py")}:
            assert (folder / "__init__.py").exists(), folder
