"""What a pack flags: images that were changed after the attack, and which it then takes for something else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.model.familiarity import Familiarity
from core.pictures import resized, some_part, through_jpeg
from training import fit_familiarity
from training.changes import changed
from training.fit_familiarity import fit_changes


@pytest.mark.parametrize("channels", [1, 3])
def test_changes_keep_the_size_and_follow_from_the_generator(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (channels, 40, 30), dtype=np.uint8)
    made = [[changed(image, rng) for _ in range(40)] for rng in (np.random.default_rng(1), np.random.default_rng(1))]
    assert all(after.shape == image.shape and after.dtype == np.uint8 for after in made[0])
    assert all(np.array_equal(*pair) for pair in zip(*made, strict=True))
    assert sum(np.array_equal(after, image) for after in made[0]) <= 2  # a part may be all of it


def test_pictures_keep_what_they_should() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 32, 48), dtype=np.uint8)
    assert through_jpeg(image, 90).shape == image.shape
    assert resized(image, 16, 24).shape == (3, 16, 24)
    part = some_part(image, 0.5, np.random.default_rng(0))
    assert part.shape == (3, 16, 24)
    places = [(y, x) for y in range(17) for x in range(25) if np.array_equal(image[:, y : y + 16, x : x + 24], part)]
    assert len(places) == 1


def test_what_lies_among_the_wrong_class_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two classes apart along one axis; changed examples of the first land in the second, but for a trace."""
    monkeypatch.setattr(fit_familiarity, "STEPS", 300)
    torch.manual_seed(0)
    classes = torch.arange(2000) % 2
    features = torch.randn(2000, 20)
    features[:, 0] += 10 * classes
    moved = features.clone()
    moved[:, 0] = 10 + torch.randn(2000)
    moved[:, 1] += 2.5
    seen, unseen = slice(0, 1000), slice(1000, 2000)
    familiarity = Familiarity(20, classes=2)
    familiarity.fit(features[seen], classes[seen])
    alone = familiarity(features[unseen]).quantile(0.98)
    missed = (familiarity(moved[unseen]) <= alone).float().mean()
    familiarity.watch_changes(fit_changes(features[seen], moved[seen], classes[seen] == 0, seed=0))
    familiarity.balance(features[unseen])
    limit = familiarity(features[unseen]).quantile(0.98)
    first = classes[unseen] == 0
    flagged = (familiarity(moved[unseen]) > limit)[first].float().mean()
    assert missed > 0.6
    assert flagged > 0.5
    far = features[unseen] + torch.randn(20) * 5  # the distance still counts
    assert (familiarity(far) > limit).float().mean() > 0.95
    again = Familiarity(20, classes=2, changes=True)
    again.load_state_dict(familiarity.state_dict())
    assert torch.equal(again.eval()(far), familiarity(far))
