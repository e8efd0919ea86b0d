"""Where PyTorch works for an attributor: in a thread of its own, or in the caller's."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.attribute_files import attribute_files
from core.attributor import Attributor
from core.device_thread import CallersThread, DeviceThread
from core.errors import Cancelled
from core.folders import find_images
from core.imageio import load_image
from core.pack import load_pack
from core.paths import SAMPLES
from core.progress import CancelToken


def test_answers_do_not_depend_on_the_thread(tiny_pack: Path) -> None:
    files = find_images([SAMPLES])[:5]
    images = [load_image(file) for file in files]
    before = _device_threads()
    own = Attributor(load_pack(tiny_pack), "cpu", thread=CallersThread())
    answers = [found.attribution for found in own.attribute(images)]
    records = [record for batch in attribute_files(own, files) for record in batch]
    assert not _device_threads() - before
    assert answers == [found.attribution for found in Attributor(load_pack(tiny_pack), "cpu").attribute(images)]
    assert [record.finding.attribution for record in records if record.finding] == answers
    with pytest.raises(Cancelled):
        own.attribute(images, cancel=_cancelled())


def _device_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("device")}


def _cancelled() -> CancelToken:
    token = CancelToken()
    token.cancel()
    return token


@pytest.mark.parametrize("thread", [DeviceThread, CallersThread])
def test_work_is_done_in_one_thread_and_its_errors_come_back(thread: type[DeviceThread]) -> None:
    made = thread()
    first, second = made.submit(threading.get_ident), made.submit(threading.get_ident)
    assert first.result() == second.result() == made.first(threading.get_ident, CancelToken())
    assert (first.result() == threading.get_ident()) == (thread is CallersThread)
    failing = made.submit(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        failing.result()
    with pytest.raises(ValueError, match="no number"):
        made.first(lambda: int("no number"), CancelToken())
