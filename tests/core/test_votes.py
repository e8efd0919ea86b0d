"""What an image was before, told by several victims of one task: linear ones, whose logits are worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from core.calibration import Asking
from core.probes import PROBES, ask, probes_of
from core.victims import Victim, VictimCard
from core.votes import Ballot, task_of, votes_of_others

IMAGE = torch.tensor([[[[0.5, 0.25], [0.25, 0.25]]]])
STILL = torch.zeros_like(IMAGE)
"""An estimate that misses all of a perturbation."""


def victim(logits: Tensor, dataset: str = "digits", class_map: tuple[int, ...] | None = None) -> Victim:
    """One that says the same of every image, all but: its logits grow with the first pixel."""
    linear = nn.Linear(4, len(logits))
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[:, 0] = 0.01 * torch.arange(len(logits))
        linear.bias.copy_(logits)
    card = VictimCard(
        name="victim", architecture="Linear", dataset=dataset, classes=len(logits), channels=1, height=2, width=2,
        mean=0.0, std=1.0, accuracy=0.5, seed=0, class_map=class_map,
    )  # fmt: skip
    return Victim(card, nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), linear)).frozen()


FOOLED = torch.tensor([9.0, 1.0, 1.5])
RIGHT = torch.tensor([0.0, 9.0, 0.0])


def before(*victims: Victim) -> list[int]:
    return ask(victims, IMAGE, STILL).before[0].tolist()


def test_a_victim_that_is_still_fooled_hears_from_others_what_the_image_was() -> None:
    assert before(victim(FOOLED)) == [2], "its own runner-up"
    assert before(victim(FOOLED), victim(RIGHT))[0] == 1
    margin = PROBES.index("margin")
    alone, told = (
        ask(some, IMAGE, STILL).probes[0, 0, margin] for some in ([victim(FOOLED)], [victim(FOOLED), victim(RIGHT)])
    )
    assert (round(alone.item(), 1), round(told.item(), 1)) == (7.5, 8.0)


def test_packs_of_before_hear_each_for_itself() -> None:
    older = Asking(compressed=True, together=False, opposed=False)
    alone, told = (ask(some, IMAGE, STILL, older) for some in ([victim(FOOLED)], [victim(FOOLED), victim(RIGHT)]))
    assert told.before.tolist() == [[2, 2]]
    torch.testing.assert_close(told.probes[:, :1], alone.probes)
    assert told.probes.shape[2] == len(probes_of(older)) == 18


def opposition(*victims: Victim) -> list[float]:
    return [round(float(said), 2) for said in ask(victims, IMAGE, STILL).probes[0, :, PROBES.index("opposed")]]


def test_one_that_alone_is_fooled_is_opposed() -> None:
    """FOOLED takes the image for 0, and it was 1: of that the other two are sure, with 1% for each class in doubt."""
    sure = 2 * math.log(1.01 / 0.01)
    assert opposition(victim(FOOLED), victim(RIGHT), victim(RIGHT))[0] == pytest.approx(sure, abs=0.05)
    assert opposition(victim(FOOLED)) == [0.0]
    assert opposition(victim(FOOLED), victim(RIGHT, dataset="letters")) == [0.0, 0.0]
    assert all(said < -4 for said in opposition(victim(RIGHT), victim(RIGHT))), "they see what it sees"


def test_others_say_of_a_class_that_they_do_not_know_as_much_as_of_any() -> None:
    """The large one is fooled to a class of its own; of what it was before, 1, the other is sure."""
    large = victim(torch.tensor([0.0, 1.0, 0.0, 0.0, 9.0]), class_map=(3, 1, 0))
    _, said = opposition(victim(RIGHT), large)
    assert said == pytest.approx(math.log(1.01 / 0.01) * 2 / 3, abs=0.05)


def others(*victims: Victim) -> list[list[int]]:
    return ask(victims, IMAGE, STILL).others[0].tolist()


def test_what_others_see_is_counted() -> None:
    third = victim(torch.tensor([0.0, 0.0, 9.0]))
    assert others(victim(FOOLED), victim(RIGHT), victim(RIGHT), third)[0] == [3, 2, 0]
    assert others(victim(RIGHT), victim(RIGHT))[0] == [1, 0, 1]
    assert others(victim(FOOLED)) == [[0, 0, 0]]
    assert others(victim(FOOLED), victim(RIGHT, dataset="letters")) == [[0, 0, 0], [0, 0, 0]]
    large = victim(torch.tensor([0.0, 1.0, 0.0, 0.0, 9.0]), class_map=(3, 1, 0))
    assert others(victim(RIGHT), large)[1] == [1, 1, 0], "its label is none that the other can see"


def test_packs_of_before_do_not_hear_of_opposition() -> None:
    older = Asking(compressed=True, together=True, opposed=False)
    some = [victim(FOOLED), victim(RIGHT)]
    told, now = ask(some, IMAGE, STILL, older), ask(some, IMAGE, STILL)
    torch.testing.assert_close(told.probes, now.probes[..., :-1])
    assert probes_of(older) == PROBES[:-1]


def test_nobody_is_told_what_the_image_is_now() -> None:
    """Two that are fooled alike say its label, which it was not before."""
    assert before(victim(FOOLED), victim(FOOLED)) == [2, 2]


def test_one_that_is_sure_of_what_is_wrong_does_not_outvote_three() -> None:
    wrong, unsure = torch.tensor([0.0, 0.0, 99.0]), torch.tensor([0.0, 2.0, 0.0])
    assert before(victim(FOOLED), victim(wrong), victim(unsure), victim(unsure), victim(unsure))[0] == 1


def test_victims_of_other_data_sets_do_not_vote() -> None:
    assert before(victim(FOOLED), victim(RIGHT, dataset="letters")) == [2, 2]
    assert before(victim(FOOLED), victim(torch.tensor([0.0, 9.0, 0.0, 0.0]))) == [2, 3], "more classes, another task"


def test_strangers_from_folders_hear_each_other_and_not_the_packs_victims() -> None:
    """Two folders of three classes each may show anything; the pack's own victims were made for one."""
    mine, theirs = victim(FOOLED, dataset="folder"), victim(RIGHT, dataset="folder")
    imported = victim(torch.tensor([0.0, 9.0, 0.0, 0.0]), "folder", class_map=(0, 1, 2))
    assert task_of(mine) == task_of(imported, known=False) == ("folder", 3) != task_of(theirs, known=False)
    assert task_of(victim(RIGHT), known=False) == ("digits", 3) and task_of(nn.Linear(1, 1)) is None
    tasks = [task_of(mine), task_of(mine), *[task_of(theirs, known=False)] * 2]
    told = ask([mine, mine, theirs, theirs], IMAGE, STILL, tasks=tasks)
    assert told.others[0].tolist() == [[1, 0, 1]] * 4
    assert told.before[0, :2].tolist() == [2, 2], "its own runner-up, whatever strangers see"


def test_a_victim_of_more_classes_votes_on_those_that_it_shares() -> None:
    large = torch.tensor([0.0, 9.0, 0.0, 0.0, 0.0, 9.5])
    assert before(victim(FOOLED), victim(large, class_map=(3, 1, 0)))[0] == 1
    some = [victim(FOOLED), victim(large, class_map=(3, 1, 0))]
    votes = votes_of_others(some, [task_of(one) for one in some], IMAGE)
    assert votes[0] is not None and votes[0].shape == (1, 3) and votes[0].argmax().item() == 1
    assert before(victim(RIGHT), victim(large, class_map=(3, 1, 0)))[1] == 1, "its own second, and what the other says"
    fooled = torch.tensor([0.0, 1.0, 0.0, 0.0, 2.0, 9.0])
    assert before(victim(torch.zeros(3)), victim(fooled, class_map=(3, 1, 0)))[1] == 4, "nobody knows better"


def test_a_ballot_holds_the_data_set_and_the_likeliest_others() -> None:
    large = victim(torch.zeros(6), class_map=(3, 1, 0))
    logits = torch.tensor([[0.0, 1.0, 5.0, 2.0, 7.0, 6.0]])
    ballot = Ballot.cast(large, logits.flip(1), logits, logits)
    assert ballot.number.tolist() == [[3, 1, 0, 4, 5]]
    assert ballot.numbers(ballot.elected(None, torch.tensor([4]))).tolist() == [5]
    assert ballot.numbers(ballot.elected(None, torch.tensor([5]))).tolist() == [4]
