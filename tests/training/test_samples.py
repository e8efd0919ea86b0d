"""The digits that the program draws itself: always the same, and as MNIST's are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from core.errors import AttackError
from core.paths import RESOURCES, SAMPLES
from core.victims import load_victim
from training import samples
from training.samples import _attacked, draw_digit, draw_scene

VICTIMS = RESOURCES / "victims"


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_white_on_black_in_a_box_centred_by_its_mass(digit: int) -> None:
    image = draw_digit(digit)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() > 200
    assert 0.05 < (image > 127).mean() < 0.35  # strokes, as in MNIST, not specks or blots
    rows, columns = np.indices(image.shape)
    for axis in (rows, columns):
        assert abs((axis * image.astype(float)).sum() / image.sum() - 13.5) <= 0.5
    inked = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    for lines in inked:
        assert np.ptp(lines) < 20
        assert lines[0] > 0 and lines[-1] < 27


def test_drawing_is_the_same_every_time_and_no_two_digits_are_alike() -> None:
    drawn = [draw_digit(digit) for digit in range(10)]
    assert all((draw_digit(digit) == image).all() for digit, image in enumerate(drawn))
    assert len({image.tobytes() for image in drawn}) == 10


def test_slant_leans_the_top_to_the_right() -> None:
    def lean(slant: float) -> float:
        image = draw_digit(1, slant).astype(float)
        columns = np.arange(28)
        top, bottom = image[5:12].sum(0), image[16:23].sum(0)
        return float((columns * top).sum() / top.sum() - (columns * bottom).sum() / bottom.sum())

    assert lean(0.4) > lean(0.12) > lean(-0.2)


def test_the_scene_is_a_colour_picture_and_no_digit() -> None:
    scene = draw_scene()
    assert scene.shape == (96, 96, 3)
    assert scene.dtype == np.uint8
    assert (scene == draw_scene()).all()
    assert draw_scene(40).shape == (40, 40, 3)
    assert (scene[..., 0] != scene[..., 2]).mean() > 0.9  # no grey


class Blind(nn.Module):
    """Names every image 3, whatever is done to it."""

    class card:  # noqa: N801  (stands for a victim's card)
        name = "blind"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tensor([0.0, 0, 0, 9, 0, 0, 0, 0, 0, 0]).expand(len(x), -1) + 0 * x.flatten(1)[:, :1]


def test_a_sample_that_would_not_be_what_its_name_says_is_not_made() -> None:
    victim: Any = Blind().eval()
    with pytest.raises(AttackError, match="does not read the drawn 4"):
        _attacked(victim, "FGSM", 60, 4)
    with pytest.raises(AttackError, match="does not fool blind on 3"):
        _attacked(victim, "FGSM", 60, 3)


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def test_what_ships_is_what_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and drawn pictures; the attacks, which take long, only say what they were asked for."""
    asked: list[str] = []

    def attacked(victim: str, name: str, value: float, digit: int) -> np.ndarray:
        asked.append(
            f"{name.lower().replace('&', '')}-{victim}-{'kappa' if name == 'C&W' else 'eps'}{value}-{digit}.png"
        )
        return draw_digit(digit)

    monkeypatch.setattr(samples, "load_victim", lambda path: (path.stem, "0" * 64))
    monkeypatch.setattr(samples, "_attacked", attacked)
    made = [path.name for path in samples.make_samples(VICTIMS, tmp_path / "new")]
    assert sorted(made) == sorted(path.name for path in SAMPLES.glob("*.png"))
    assert sorted(asked) == sorted(set(made) - {"clean-3.png", "no-digit.png"})
    for name in ("clean-3.png", "no-digit.png"):
        assert (read(tmp_path / "new" / name) == read(SAMPLES / name)).all()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*-eps*.png")), ids=lambda path: path.stem)
def test_a_shipped_sample_spends_the_epsilon_in_its_name_on_our_digit(path: Path) -> None:
    epsilon, digit = path.stem.split("eps")[1].split("-")
    assert np.abs(read(path) - draw_digit(int(digit))).max() == int(epsilon)


def test_a_sample_made_anew_fools_the_victim_that_ships() -> None:
    victim, _ = load_victim(VICTIMS / "resnet18.safetensors")
    pixels = samples._attacked(victim, "FGSM", 60, 7)
    assert np.abs(pixels.astype(int) - draw_digit(7)).max() == 60
    with torch.inference_mode():
        assert int(victim(torch.from_numpy(pixels)[None, None].float() / 255).argmax()) != 7
