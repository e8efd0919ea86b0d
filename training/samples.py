"""Make the sample images that ship with the program: ``python -m training.samples VICTIMS OUT``.

No image of a data set is shipped. The digits are drawn here, stroke by stroke, in the manner of MNIST (white on
black, 20x20 box centred by mass in 28x28), and attacked against the victims that ship.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from core.errors import AttackError
from core.victims import Victim, load_victim
from training.attacks import make_attack

Point = tuple[float, float]
_SCALE = 16
_BOX, _SIDE = 20, 28
_STROKE = 2.6


def _arc(center: Point, radius: Point, start: float, end: float) -> list[Point]:
    """Points of an ellipse's arc; angles in degrees, 0 to the right, growing clockwise."""
    angles = np.radians(np.linspace(start, end, 40))
    return [(center[0] + radius[0] * math.cos(a), center[1] + radius[1] * math.sin(a)) for a in angles]


# Strokes in a unit box, x to the right and y downwards, as a hand writes them.
_STROKES: dict[int, list[list[Point]]] = {
    0: [_arc((0.5, 0.5), (0.34, 0.48), 0, 360)],
    1: [[(0.36, 0.16), (0.54, 0.02), (0.5, 0.98)]],
    2: [[*_arc((0.5, 0.28), (0.33, 0.26), -170, 40), (0.12, 0.96), (0.9, 0.94)]],
    3: [_arc((0.46, 0.26), (0.32, 0.24), -150, 90), _arc((0.46, 0.73), (0.36, 0.24), -90, 150)],
    4: [[(0.3, 0.04), (0.16, 0.58), (0.88, 0.54)], [(0.7, 0.2), (0.64, 0.98)]],
    5: [[(0.84, 0.04), (0.3, 0.06), (0.24, 0.46)], [(0.24, 0.46), *_arc((0.46, 0.68), (0.34, 0.28), -120, 150)]],
    6: [[(0.66, 0.02), (0.4, 0.3), (0.22, 0.62)], _arc((0.48, 0.72), (0.28, 0.25), 0, 360)],
    7: [[(0.12, 0.08), (0.86, 0.06), (0.42, 0.98)]],
    8: [_arc((0.5, 0.26), (0.26, 0.23), 0, 360), _arc((0.5, 0.74), (0.3, 0.25), 0, 360)],
    9: [_arc((0.48, 0.28), (0.28, 0.25), 0, 360), [(0.76, 0.3), (0.72, 0.6), (0.62, 0.98)]],
}


def draw_digit(digit: int, slant: float = 0.12) -> NDArray[np.uint8]:
    """One digit as uint8 [28, 28]. slant: sideways shift of the top against the bottom, in box widths."""
    size = _BOX * _SCALE
    margin = _STROKE * _SCALE / 2
    canvas = Image.new("L", (size, size))
    pen = ImageDraw.Draw(canvas)
    for stroke in _STROKES[digit]:
        points = [
            (margin + (0.8 * x + slant * (1 - y)) * (size - 2 * margin), margin + y * (size - 2 * margin))
            for x, y in stroke
        ]
        pen.line(points, fill=255, width=round(2 * margin), joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - margin, y - margin, x + margin, y + margin), fill=255)
    small = canvas.filter(ImageFilter.GaussianBlur(_SCALE * 0.35)).resize((_BOX, _BOX), Image.Resampling.BOX)
    pixels = np.asarray(small).astype(np.int64)
    rows, columns = np.indices(pixels.shape)
    top = round(_SIDE / 2 - 0.5 - float((rows * pixels).sum() / pixels.sum()))
    left = round(_SIDE / 2 - 0.5 - float((columns * pixels).sum() / pixels.sum()))
    image = np.zeros((_SIDE, _SIDE), np.uint8)
    top, left = (min(max(v, 0), _SIDE - _BOX) for v in (top, left))
    image[top : top + _BOX, left : left + _BOX] = pixels.astype(np.uint8)
    return image


def draw_scene(side: int = 96) -> NDArray[np.uint8]:
    """A picture that is no digit, uint8 [side, side, 3]: a sun over hills at dusk."""
    y, x = np.mgrid[0:side, 0:side] / side
    sky = np.stack([230 - 90 * y, 150 + 40 * y, 120 + 110 * y], axis=-1)
    sun = np.hypot(x - 0.68, y - 0.34) < 0.13
    sky[sun] = (255, 236, 170)
    for height, depth, colour in ((0.62, 0.06, (96, 112, 120)), (0.74, 0.09, (52, 84, 72))):
        hill = y > height - depth * np.sin(7 * x + 9 * height)
        sky[hill] = colour
    return sky.clip(0, 255).astype(np.uint8)


def _attacked(victim: Victim, name: str, value: float, digit: int, **parameters: object) -> NDArray[np.uint8]:
    """The digit attacked until the victim is fooled; raises AttackError if it is not."""
    attack = make_attack({"name": name, **parameters})
    images = torch.from_numpy(draw_digit(digit)).float()[None, None] / 255
    label = torch.tensor([digit])
    if int(victim(images).argmax()) != digit:
        raise AttackError(f"{victim.card.name} does not read the drawn {digit}.", "Draw another digit.")
    own = attack.own_units(np.asarray([value]))
    result = attack(victim, images, label, own, generator=torch.Generator().manual_seed(0))
    if not bool(result.success):
        raise AttackError(f"{name} at {value:g} does not fool {victim.card.name} on {digit}.", "Choose another value.")
    pixels: NDArray[np.uint8] = (result.adversarial * 255).round().to(torch.uint8)[0, 0].numpy()
    return pixels


def make_samples(victims: Path, out: Path) -> list[Path]:
    """Write one sample of each kind; the names say the truth, so that a new user can compare."""
    resnet18, _ = load_victim(victims / "resnet18.safetensors")
    vgg16, _ = load_victim(victims / "vgg16.safetensors")
    samples = {
        "clean-3.png": draw_digit(3),
        "fgsm-resnet18-eps60-7.png": _attacked(resnet18, "FGSM", 60, 7),
        "pgd-vgg16-eps90-2.png": _attacked(vgg16, "PGD", 90, 2),
        "cw-resnet18-kappa8-4.png": _attacked(resnet18, "C&W", 8, 4),
        "cw-vgg16-kappa14-0.png": _attacked(vgg16, "C&W", 14, 0),
        "no-digit.png": draw_scene(),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, pixels in samples.items():
        Image.fromarray(pixels).save(out / name)
    return [out / name for name in samples]


if __name__ == "__main__":
    for path in make_samples(Path(sys.argv[1]), Path(sys.argv[2])):
        print(path)
