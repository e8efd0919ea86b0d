"""The main job on the real window: images in, answers out, and nothing left behind."""

from __future__ import annotations

import gc
import io
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.__main__ import main
from app.images.row import Row
from app.judging import make_attributor
from app.main_window import MainWindow
from app.reading import Page
from app.requests import BatchRequest, Entry, Setup, ViewRequest
from app.sentence import adjustment_text
from app.tasks import Worker
from app.window import Program
from core.attributor import Attributor
from core.errors import DeviceError, PackError
from core.imageio import decode_image, load_image
from core.pack import find_pack, load_pack, read_manifest, write_pack
from core.paths import DEFAULT_PACK, user_data
from core.progress import CancelToken
from core.types import Finding, LoadedImage
from core.victim_store import victims_to_ask
from tests.app.conftest import Opener
from tests.app.helpers import close, drop, wait_judged


def test_drop_of_a_file_is_attributed_as_the_attributor_does(
    window: MainWindow, qtbot: QtBot, pictures: Path, default_pack: Path
) -> None:
    drop(window, pictures / "a.png")
    qtbot.waitUntil(lambda: window.answer.has_answer and window.session.viewing.scene.heatmap is not None)
    pack = load_pack(default_pack)
    attributor = Attributor(pack, "cpu", victims_to_ask(pack.manifest, True, []))
    direct = attributor.attribute([load_image(pictures / "a.png")], heatmaps=True)[0]
    shown = window.session.viewing.row.attribution
    assert shown.attack.label == direct.attribution.attack.label
    assert shown.attack.probability == pytest.approx(direct.attribution.attack.probability, abs=1e-5)
    assert shown.hyperparameter.value == pytest.approx(direct.attribution.hyperparameter.value, abs=1e-3)
    assert window.answer.attack.answer.text().startswith(direct.attribution.attack.label)
    assert window.session.viewing.scene.heatmap.strength == pytest.approx(direct.heatmap.strength, abs=1e-3)
    assert window.status.device.text() == "CPU"


def test_window_and_command_line_give_the_same_answer(
    window: MainWindow, qtbot: QtBot, pictures: Path, tmp_path: Path
) -> None:
    drop(window, pictures / "b.png")
    wait_judged(qtbot, window, 1)
    out = tmp_path / "answers.json"
    assert main(["attribute", str(pictures / "b.png"), "--json", str(out)]) == 0
    told = json.loads(out.read_text(encoding="utf-8"))["records"][0]
    shown = window.session.images.rows[0].attribution
    for task in ("attack", "victim"):
        ranking = {candidate.label: candidate.probability for candidate in getattr(shown, task).ranking}
        assert {c["label"]: c["probability"] for c in told[task]["ranking"]} == pytest.approx(ranking, abs=1e-4)
    assert told["hyperparameter"]["value"] == pytest.approx(shown.hyperparameter.value, abs=1e-2)
    assert told["sha256"] == shown.sha256


def test_drop_of_a_folder_lists_images_and_says_what_is_broken(
    window: MainWindow, qtbot: QtBot, pictures: Path
) -> None:
    drop(window, pictures)
    wait_judged(qtbot, window, 7)
    window.status.clearMessage()  # as it does by itself; nothing that was said is lost
    window.actions_["show_messages"].trigger()
    (page,) = window.findChildren(Page)
    assert "   Left out, hidden, linked or of no image type that is read: 1 .txt" in page.text.toPlainText()
    page.close()
    by_name = {row.entry.name: row for row in window.session.images.rows}
    assert set(by_name) == {"a.png", "b.png", "c.png", "d.png", "e.png", "photo.jpg", "broken.png"}
    assert by_name["broken.png"].record.status == "error"
    assert "damaged" in by_name["broken.png"].record.error
    assert all(row.attribution for name, row in by_name.items() if name != "broken.png")


def test_a_file_that_is_no_image_is_a_row_that_says_why(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures / "notes.txt", pictures / "gone.png")
    wait_judged(qtbot, window, 2)
    errors = [row.record.error for row in window.session.images.rows]
    assert "not an image" in errors[0] and "does not exist" in errors[1]
    qtbot.waitUntil(lambda: "not an image" in window.answer.hint.text())


def test_dropping_the_same_file_again_goes_to_its_row(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    drop(window, pictures / "b.png")
    qtbot.waitUntil(lambda: window.session.viewing.row.entry.name == "b.png")
    assert window.session.images.rowCount() == 2


def test_keyboard_walks_the_list(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    window.list.view.setFocus()
    qtbot.keyClick(window.list.view, Qt.Key.Key_Down)
    assert window.session.viewing.row.entry.name == "b.png"


def test_clean_jpeg_and_resizing_are_told(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    drop(window, pictures / "photo.jpg")
    wait_judged(qtbot, window, 1)
    sentence = window.answer.sentence.toPlainText()
    assert "JPEG" in sentence and "esized from 56x56 to 28x28" in sentence


def test_what_reading_left_out_is_told_in_words() -> None:
    pixels = np.zeros((28, 28, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", save_all=True, append_images=[Image.fromarray(pixels + 1)])
    assert [adjustment_text(note) for note in decode_image(file.getvalue(), "x").notes] == [
        "Transparency ignored: the colours under it were judged.",
        "Only the first of the 2 pictures in the file was judged.",
    ]


def test_tiles_are_told_and_a_newer_view_replaces_the_one_in_hand(
    open_program: Opener, qtbot: QtBot, tmp_path: Path, default_pack: Path
) -> None:
    tiny = load_pack(default_pack)
    write_pack(default_pack, tiny.manifest.fitting("tiles").model_dump(), tiny.weights)
    for name, side in (("large.png", 300), ("small.png", 40)):
        Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, 60), dtype=np.uint8)).save(tmp_path / name)
    window = open_program(make_attributor).window
    drop(window, tmp_path / "large.png", tmp_path / "small.png")
    wait_judged(qtbot, window, 2)
    assert "Judged in 33 tiles of 28x28" in window.answer.sentence.toPlainText()
    for _ in range(3):
        for at, name in enumerate(("large.png", "small.png")):
            window.list.view.setCurrentIndex(window.list.proxy.index(at, 0))
            qtbot.waitUntil(lambda name=name: getattr(window.session.viewing.scene.image, "path", "").endswith(name))
    qtbot.waitUntil(lambda: window.session.viewing.scene.heatmap is not None)
    assert window.session.viewing.scene.heatmap.strength.shape == (40, 60)
    assert "Judged in 6 tiles of 28x28" in window.answer.sentence.toPlainText()


class Gate:
    """An attributor that waits to be let through."""

    device_name = "CPU"

    def __init__(self, setup: Setup) -> None:
        self.real = make_attributor(setup)
        self.manifest = cast(Attributor, self.real).manifest
        self.open = threading.Event()
        self.seen: list[tuple[str, bool]] = []

    def attribute(
        self,
        images: Sequence[LoadedImage],
        *,
        coverage: float = 0.9,
        heatmaps: bool = False,
        cancel: CancelToken | None = None,
    ) -> list[Finding]:
        self.seen += [(image.path, heatmaps) for image in images]
        assert self.open.wait(30)
        return self.real.attribute(images, coverage=coverage, heatmaps=heatmaps, cancel=cancel)


@pytest.fixture
def gates() -> list[Gate]:
    return []


def gated(open_program: Opener, gates: list[Gate]) -> Program:
    def factory(setup: Setup) -> Gate:
        gates.append(Gate(setup))
        return gates[-1]

    return open_program(factory)


def many(folder: Path, source: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes(source.read_bytes() + bytes([number]))
    return folder


def test_cancel_stops_between_batches(
    open_program: Opener, qtbot: QtBot, gates: list[Gate], tmp_path: Path, pictures: Path
) -> None:
    program = gated(open_program, gates)
    window = program.window
    drop(window, many(tmp_path / "many", pictures / "a.png", 50))
    qtbot.waitUntil(lambda: bool(gates and gates[0].seen))
    assert window.session.status.waiting == 50
    window.actions_["cancel"].trigger()
    gates[0].open.set()
    qtbot.waitUntil(lambda: any(row.record for row in window.session.images.rows))
    qtbot.wait(100)
    judged = [row for row in window.session.images.rows if row.record is not None]
    assert 1 <= len(judged) <= 17  # at most one batch and one view were under way
    assert window.session.status.waiting == 0
    window.actions_["judge_missing"].trigger()
    wait_judged(qtbot, window, 50)


def test_attribute_again_reads_the_files_as_they_are_now(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    files = pictures / "a.png", pictures / "gone.png"
    viewing, images = window.session.viewing, window.session.images
    drop(window, *files)
    wait_judged(qtbot, window, 2)
    for row, file in zip(images.rows, files, strict=True):
        window.list.select(row.entry.key)
        qtbot.waitUntil(lambda row=row: row.entry.key in images._thumbnails)
        before = images._thumbnails[row.entry.key]
        file.write_bytes((pictures / "b.png").read_bytes())
        window.actions_["judge_again"].trigger()
        wait_judged(qtbot, window, 2)
        qtbot.waitUntil(lambda: viewing.scene.heatmap is not None)
        assert row.record is not None and viewing.scene.image is not None
        assert row.record.sha256 == viewing.scene.image.sha256 == load_image(file).sha256
        assert viewing.scene.reason == ""
        qtbot.waitUntil(lambda row=row, old=before: images._thumbnails[row.entry.key] != old)


def test_files_that_were_removed_are_judged_when_they_are_opened_again(
    open_program: Opener, qtbot: QtBot, gates: list[Gate], tmp_path: Path, pictures: Path
) -> None:
    window = gated(open_program, gates).window
    folder = many(tmp_path / "many", pictures / "a.png", 20)
    drop(window, folder)
    qtbot.waitUntil(lambda: bool(gates and gates[0].seen))
    window.actions_["remove_all"].trigger()
    drop(window, folder)
    qtbot.waitUntil(lambda: window.session.images.rowCount() == 20)
    gates[0].open.set()
    wait_judged(qtbot, window, 20)


def test_the_same_question_asked_again_while_it_is_being_stopped_is_answered(
    open_program: Opener, qtbot: QtBot, gates: list[Gate], pictures: Path
) -> None:
    session = (window := gated(open_program, gates).window).session
    drop(window, pictures / "a.png", pictures / "b.png")
    qtbot.waitUntil(lambda: bool(gates))
    gates[0].open.set()
    wait_judged(qtbot, window, 2)
    qtbot.waitUntil(lambda: session.viewing.scene.heatmap is not None)
    gates[0].open.clear()
    gates[0].seen.clear()
    keys = [session.images.rows[1].entry.key]
    session.judge_again(keys)
    qtbot.waitUntil(lambda: bool(gates[0].seen))
    session.cancel()
    session.judge_again(keys)
    gates[0].open.set()
    wait_judged(qtbot, window, 2)


def test_all_rows_follow_the_coverage_and_none_is_judged_again(
    open_program: Opener, qtbot: QtBot, gates: list[Gate], pictures: Path
) -> None:
    window = gated(open_program, gates).window
    rows = window.session.images.rows
    drop(window, pictures / "a.png", pictures / "b.png", pictures / "c.png")
    qtbot.waitUntil(lambda: bool(gates))
    gates[0].open.set()
    wait_judged(qtbot, window, 3)
    window.session.remove([rows[2].entry.key], "one")
    gates[0].seen.clear()

    def covered() -> bool:
        return all(row.attribution is not None and row.attribution.attack.coverage == 0.8 for row in rows)

    window.answer.slider.setValue(80)
    qtbot.waitUntil(covered)
    window.session.undo.undo()
    assert not covered()
    qtbot.waitUntil(covered)
    assert {Path(path).name for path, _ in gates[0].seen} <= {"a.png"}  # which is on screen
    images = [load_image(Path(row.entry.path)) for row in rows]
    for row, finding in zip(rows, gates[0].real.attribute(images, coverage=0.8), strict=True):
        expected = finding.attribution
        assert row.attribution is not None and row.attribution.victim.prediction_set == expected.victim.prediction_set
        assert row.attribution.attack.prediction_set == expected.attack.prediction_set
        bounds = [value for h in row.attribution.hyperparameters for value in (h.low, h.high)]
        assert bounds == pytest.approx([value for h in expected.hyperparameters for value in (h.low, h.high)], abs=1e-3)


def test_the_slider_may_ask_for_more_than_a_pack_is_calibrated_for(
    window: MainWindow, qtbot: QtBot, pictures: Path, tiny_pack: Path
) -> None:
    """All rows then stay at the most that it has, and none is worked out over and over."""
    session = window.session
    shutil.copy(tiny_pack, user_data() / "packs" / "tiny.mtaapack")
    session.set_setup(Setup("tiny", "cpu"))
    session.settings["attribution/coverage"] = 0.99
    covers: list[object] = []
    session.worker.covered.connect(lambda *answer: covers.append(answer))
    drop(window, pictures / "a.png", pictures / "b.png")
    wait_judged(qtbot, window, 2)
    qtbot.waitUntil(lambda: session.viewing.scene.heatmap is not None)
    qtbot.wait(500)
    assert [row.attribution and row.attribution.attack.coverage for row in session.images.rows] == [0.95, 0.95]
    assert session.status.phase == "ready" and len(covers) <= 3
    session.settings["attribution/coverage"] = 0.85
    rows = session.images.rows
    qtbot.waitUntil(lambda: all(row.attribution and row.attribution.attack.coverage == 0.85 for row in rows))


def test_the_latest_view_wins_and_goes_before_the_batch(
    open_program: Opener, qtbot: QtBot, gates: list[Gate], tmp_path: Path, pictures: Path
) -> None:
    program = gated(open_program, gates)
    window = program.window
    viewing = window.session.viewing
    drop(window, many(tmp_path / "many", pictures / "a.png", 40))
    qtbot.waitUntil(lambda: bool(gates and gates[0].seen))
    for at in (3, 7, 20):
        window.list.view.setCurrentIndex(window.list.proxy.index(at, 0))
        qtbot.waitUntil(lambda at=at: viewing.scene.image is not None
                        and viewing.scene.image.path.endswith(f"{at}.png"))  # fmt: skip
    gates[0].open.set()
    qtbot.waitUntil(lambda: window.session.viewing.scene.heatmap is not None)
    wait_judged(qtbot, window, 40)
    views = [Path(path).name for path, heatmap in gates[0].seen if heatmap]
    assert views[-1] == "20.png" and "7.png" not in views
    assert (views[-1], True) in [(Path(path).name, view) for path, view in gates[0].seen[:33]]


def test_what_was_removed_is_not_judged_and_what_is_back_is(
    open_program: Opener, qtbot: QtBot, gates: list[Gate], tmp_path: Path, pictures: Path
) -> None:
    window = gated(open_program, gates).window
    session = window.session
    drop(window, many(tmp_path / "many", pictures / "a.png", 100))
    qtbot.waitUntil(lambda: bool(gates and gates[0].seen))
    rows = list(session.images.rows)
    away, back = rows[40:90], rows[60:62]
    session.remove([row.entry.key for row in away], "remove")
    gates[0].open.set()
    wait_judged(qtbot, window, 50)
    judged = {path for path, heatmap in gates[0].seen if not heatmap}
    assert not judged & {row.entry.path for row in away} and len(judged) >= 49
    session.undo.undo()
    wait_judged(qtbot, window, 100)

    gates[0].open.clear()
    session.judge_again([row.entry.key for row in rows])
    session.remove([row.entry.key for row in back], "remove")
    gates[0].open.set()
    wait_judged(qtbot, window, 98)
    session.undo.undo()  # of those that the run has passed over
    wait_judged(qtbot, window, 100)


def test_what_was_judged_for_a_view_is_not_judged_again(qapp: QApplication, pictures: Path, default_pack: Path) -> None:
    gates: list[Gate] = []

    def factory(setup: Setup) -> Gate:
        gates.append(Gate(setup))
        gates[-1].open.set()
        return gates[-1]

    worker, viewed, judged = Worker(factory), [], []
    worker.viewed.connect(viewed.append, Qt.ConnectionType.DirectConnection)
    worker.judged.connect(judged.append, Qt.ConnectionType.DirectConnection)
    setup, files = Setup(str(default_pack), "cpu"), [pictures / name for name in ("a.png", "b.png")]
    (pictures / "copy of a.png").write_bytes(files[0].read_bytes())
    entries = tuple(Entry(at, str(file)) for at, file in enumerate([*files, pictures / "copy of a.png"]))
    worker.view(ViewRequest(setup, entries[0], load_image(files[0]), 0.9))
    worker.enqueue(BatchRequest(setup, entries, 0.9))
    worker.enqueue(BatchRequest(setup, entries[:1], 0.95))  # at another coverage it is another answer
    ended = threading.Semaphore(0)
    worker.batch_ended.connect(lambda _: ended.release(), Qt.ConnectionType.DirectConnection)
    worker.start()
    assert ended.acquire(timeout=60)
    assert ended.acquire(timeout=60)
    worker.stop()
    assert [(Path(path).name, view) for path, view in gates[0].seen] == [
        ("a.png", True), ("b.png", False), ("a.png", False)
    ]  # fmt: skip
    records = [record for answer in judged[:1] for _, record in answer.records]
    assert [record.path for record in records] == [entry.path for entry in entries]
    attributions = [record.finding.attribution for record in records]
    assert attributions[0] == attributions[2] == viewed[0].record.finding.attribution != attributions[1]
    assert records[0].finding.heatmap is None


def test_close_while_work_waits(
    open_program: Opener, qtbot: QtBot, gates: list[Gate], tmp_path: Path, pictures: Path
) -> None:
    program = gated(open_program, gates)
    window = program.window
    drop(window, many(tmp_path / "many", pictures / "a.png", 50))
    qtbot.waitUntil(lambda: bool(gates and gates[0].seen))
    gates[0].open.set()
    close(program)


def test_what_computes_ends_with_the_window(open_program: Opener, qtbot: QtBot, pictures: Path) -> None:
    before = set(threading.enumerate())
    program = open_program()
    drop(program.window, pictures / "a.png")
    wait_judged(qtbot, program.window, 1)
    (thread,) = (one for one in threading.enumerate() if one not in before and one.name.startswith("device"))
    close(program)
    for _ in range(100):
        gc.collect()
        thread.join(0.05)
        if not thread.is_alive():
            break
    assert not thread.is_alive()


def test_a_missing_pack_is_told_and_images_are_still_shown(open_program: Opener, qtbot: QtBot, pictures: Path) -> None:
    def factory(setup: Setup) -> Gate:
        raise PackError("There is no pack mnist.", "Import one.")

    window = open_program(factory).window
    drop(window, pictures / "a.png")
    qtbot.waitUntil(lambda: window.session.viewing.scene.image is not None)
    qtbot.waitUntil(lambda: "There is no pack mnist. Import one." in window.answer.hint.text())
    assert window.session.status.phase == "failed"


def test_a_defect_of_the_program_does_not_end_the_worker(open_program: Opener, qtbot: QtBot, pictures: Path) -> None:
    class Broken:
        device_name = "CPU"
        manifest = read_manifest(find_pack(DEFAULT_PACK))

        def attribute(self, images: Sequence[LoadedImage], **_: object) -> list[Finding]:
            raise ZeroDivisionError("of the program")

    program = open_program(lambda setup: Broken())
    window = program.window
    with qtbot.waitSignal(window.session.crashed) as caught:
        drop(window, pictures / "a.png")
    assert isinstance(caught.args[0], ZeroDivisionError)
    assert window.session.worker.isRunning()
    assert program.guard.box is not None
    qtbot.waitUntil(lambda: "Attribute again" in window.answer.hint.text())
    assert "ZeroDivisionError" not in window.answer.hint.text()


def test_a_batch_that_failed_is_not_begun_again_by_itself(open_program: Opener, qtbot: QtBot, pictures: Path) -> None:
    """However late the window hears of its end, which comes before the reason."""
    made: list[Setup] = []

    class Failing:
        device_name = "CPU"
        manifest = read_manifest(find_pack(DEFAULT_PACK))

        def attribute(self, images: Sequence[LoadedImage], **_: object) -> list[Finding]:
            raise DeviceError("The GPU is lost.", "Start again.")

    def factory(setup: Setup) -> Failing:
        made.append(setup)
        return Failing()

    session = open_program(factory).session
    qtbot.waitUntil(lambda: session.status.phase == "ready")
    phases: list[str] = []
    session.status_changed.connect(lambda status: phases.append(status.phase))
    file = pictures / "a.png"
    session.images.append([Row(Entry(at, str(file))) for at in range(1000, 1003)])
    session.judge([row.entry for row in session.images.rows])
    worker = session.worker
    for _ in range(500):  # the worker goes on while the window is busy
        if worker._attributor is None:
            break
        time.sleep(0.02)
    qtbot.waitUntil(lambda: session.status.phase == "failed")
    qtbot.wait(200)
    assert len(made) == 1 and session.status.phase == "failed" and "loading" not in phases
    assert not session._batches and not worker._batches and session.status.waiting == 0
    session.judge_again([1000])
    qtbot.waitUntil(lambda: len(made) == 2)


def test_torch_waits_for_the_first_paint() -> None:
    """The window's modules leave everything slow alone."""
    code = (
        "import sys, app.window; heavy = {'torch', 'matplotlib', 'pydantic', 'cleverhans'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=60)


def test_imports_do_not_look_into_the_modules(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PySide's hook does, and so fails on modules that another thread is still importing."""
    (tmp_path / "shy.py").write_text("def __getattr__(name):\n    raise ImportError(name)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import shy  # type: ignore[import-not-found]  # noqa: PLC0415

    assert shy.__name__ == "shy"
    del sys.modules["shy"]
