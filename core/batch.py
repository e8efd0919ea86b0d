"""Batch work: a list of files into a case, by one process or by several that share it."""

from __future__ import annotations

import glob
import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from core import versions
from core.case import Case, absolute
from core.errors import CaseError
from core.folders import find_images
from core.listed import LogEntry, Record
from core.manifest import Manifest
from core.opened import DEEP, FLAT, Ground, Place, far, remember, remembered
from core.progress import CancelToken, ProgressCallback
from core.ranks import Ranks
from core.wording import left_out

if TYPE_CHECKING:
    from core.attributor import Attributor

_LEFT_OUT = "left out"
"""The log's words for what lay in folders and is no image."""

_BEGUN, _FINISHED, _STOPPED = "attribute", "finished", "stopped"
"""And for what became of a run."""

_MERGED = 512  # records a transaction when parts are merged


def open_case(path: Path, manifest: Manifest, coverage: float, *, resume: bool) -> Case:
    """The case at ``path``, made if there is none; one that exists is gone on with only if ``resume`` says so.

    Raises CaseError, also for a case of another pack, coverage or fit: answers of two packs do not belong side by side.
    """
    if resume and path.exists():
        return reopen_case(path, manifest, coverage)
    return Case.create(path, manifest, coverage)


def reopen_case(path: Path, manifest: Manifest, coverage: float) -> Case:
    """An existing case to be gone on with. Raises CaseError as :func:`open_case` does, and where there is none."""
    case = Case(path)
    try:
        check_pack(path, case.manifest, manifest)
        if case.coverage != coverage:
            raise CaseError(
                f"{path} was made at a coverage of {case.coverage:g}, not {coverage:g}.",
                "Give the same --coverage, or start a new case.",
            )
        if case.manifest.image.fit != manifest.image.fit:
            raise CaseError(
                f"{path} was made with --fit {case.manifest.image.fit}, not {manifest.image.fit}.",
                "Give the same --fit, or start a new case.",
            )
    except CaseError:
        case.close()
        raise
    return case


def check_pack(case: Path, made_with: Manifest, manifest: Manifest) -> None:
    """Raise CaseError where a case was made with another pack."""
    if made_with.sha256 != manifest.sha256:
        raise CaseError(
            f"{case} was made with the pack {made_with.pack_id}, not with {manifest.pack_id}.",
            "Name that pack (--pack), or start a new case.",
        )


def fill_case(
    case: Case,
    attributor: Attributor,
    paths: Sequence[Path],
    *,
    progress: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
    written: Callable[[Sequence[Record]], None] = lambda _: None,
) -> None:
    """Attribute the paths that wait and write them batch by batch, with entries in the case's log.

    written: told of every batch once it is in the case, in this thread. What processes that shared a run and were
    killed left beside the case is taken in first.
    Raises Cancelled within a moment of ``cancel``; the case then holds all batches before the one in hand. Raises
    CaseError where other victims were asked before, and where other processes share the case.
    """
    from core.attribute_files import attribute_files  # noqa: PLC0415 (torch)

    if _parts(case):
        with _alone_with_parts(case):
            merge_parts(case, paths)
    case.settle(attributor.basis)
    waiting = case.waiting(paths)
    case.write_log("device", attributor.device_name)
    begun = f"{len(waiting)} of {len(paths)} files wait; pack {case.manifest.pack_id}"
    case.write_log(_BEGUN, f"{begun}; {versions.told()}")
    ended = _STOPPED
    try:
        found = attribute_files(
            attributor, waiting, coverage=case.coverage, progress=progress, cancel=cancel, known=case
        )
        with closing(found):  # or what is read ahead would wait for as long as somebody holds an error of the case's
            for batch in found:
                case.add(batch)
                written(batch)
        ended = _FINISHED
    finally:
        case.write_log(ended, f"{case.count()} files in the case, {len(case)} different images attributed")


def devices(log: Iterable[LogEntry]) -> str:
    """The devices that judged the images of a case, in the order of their first use."""
    return ", ".join(dict.fromkeys(entry.detail for entry in log if entry.action == "device"))


def versions_used(log: Iterable[LogEntry]) -> str:
    """The versions that judged the images of a case, in the order of their first use."""
    begun = (entry.detail.split("; ", 2) for entry in log if entry.action == _BEGUN)
    return "; ".join(dict.fromkeys(parts[2].partition(" (")[0] for parts in begun if len(parts) == 3))


def note_opened(case: Case, paths: Iterable[str | Path], subfolders: bool = True) -> None:
    """Log what the files that follow were found under, once, so that a run that was cut off can be gone on with.

    That this user did so is remembered outside the case: see :mod:`core.opened`.
    """
    paths = list(paths)
    remember(case.path, ((absolute(path), subfolders) for path in paths))
    noted = case.named()
    new = [path for path in map(absolute, paths) if noted.get(path) != subfolders]
    if new:
        case.write_log(DEEP if subfolders else FLAT, *new)


def note_left_out(case: Case, counts: Mapping[str, int]) -> None:
    """Log how many files under what was opened are of no image type that is read, by suffix, once."""
    if counts and (detail := left_out(counts)) not in _left_out(case.log()):
        case.write_log(_LEFT_OUT, detail)


def told_left_out(log: Iterable[LogEntry]) -> str:
    """All that a case's log says of what was left out."""
    return "; ".join(_left_out(log))


def _left_out(log: Iterable[LogEntry]) -> list[str]:
    return [entry.detail for entry in log if entry.action == _LEFT_OUT]


def left_over(case: Case, cancel: CancelToken | None = None) -> list[Path]:
    """The image files under what this user opened for a case, as far as it is still there, that are not in the case.

    Nothing else that its log names is touched: :func:`opened_elsewhere` tells it. Raises Cancelled after ``cancel``.
    """
    cancel = cancel or CancelToken()
    found: dict[Path, None] = {}
    for path, subfolders in remembered(case.path, case.named().items()):
        cancel.check()
        if os.path.lexists(path):
            found.update(dict.fromkeys(find_images([path], subfolders, cancel)))
    known = set(case.paths())
    return [path for path in found if str(path) not in known]


def opened_elsewhere(case: Case) -> list[Place]:
    """What was opened for a case by somebody else, or on another computer, or before the case came to this path.

    It is not looked at. What is no path of this system is left out. So are files of the case on other computers: their
    folders are among these places, if the log does not name them.
    """
    named = case.named()
    own = {path for path, _ in remembered(case.path, named.items())}
    places = {path: deep for path, deep in named.items() if path not in own and absolute(path) == path}
    known, ground = Ground(named.items()), case.ground()
    for path in filter(far, case.paths()):
        if absolute(path) == path and not known.covers(path) and not ground.covers(path):
            places.setdefault(os.path.dirname(path), False)  # noqa: PTH120 (a string, as all of these)
    return list(places.items())


def was_cut_off(case: Case) -> bool:
    """Whether the last run neither finished nor was stopped by anybody: its program was killed, or its machine."""
    runs = [entry.action for entry in case.log() if entry.action in (DEEP, FLAT, _BEGUN, _FINISHED, _STOPPED)]
    return bool(runs) and runs[-1] not in (_FINISHED, _STOPPED)


# --- several processes ----------------------------------------------------------------------------------------------


def fill_shared(
    ranks: Ranks, case: Case, attributor: Attributor, paths: Sequence[Path], *, progress: ProgressCallback
) -> None:
    """The same by all processes of ``ranks``, which call this together, each with the case open and the same paths.

    Each writes a part beside the case; the first merges them in the order of the paths when all have ended. Parts that
    a killed run left behind are merged before anything is begun.
    """
    with _alone_with_parts(case) if ranks.first else nullcontext():
        if ranks.first:
            merge_parts(case, paths)
            case.settle(attributor.basis)
        ranks.barrier()
        waiting, size = ranks.agreed((case.waiting(paths), attributor.batch))  # devices take batches of their own
        own = ranks.share(waiting, size)
        ranks.barrier()  # nobody writes before all have looked
        with Case.create(_part(case.path, ranks.index), case.manifest, case.coverage) as part:
            fill_case(part, attributor, own, progress=progress if ranks.first else lambda _: None)
        ranks.barrier()
        if ranks.first:
            merge_parts(case, paths)


@contextmanager
def _alone_with_parts(case: Case) -> Iterator[None]:
    """Keep other runs from a case's parts until the block ends, or the process. Raises CaseError where one has them."""
    path = case.path.with_name(f"{case.path.name}.shared.lock")
    lock = FileLock(path, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise CaseError(f"{case.path} is in use by processes that share it.", "Wait for their end.") from error
    except OSError as error:
        raise CaseError(f"{path} cannot be written: {error.strerror}.", "Copy the case elsewhere.") from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps what is open
            path.unlink()
        lock.release()


def merge_parts(case: Case, paths: Sequence[Path]) -> None:
    """Move what the parts beside a case hold into it. Killed half-way, it does the same again the next time."""
    found = _parts(case)
    if not found:
        return
    order = {absolute(path): at for at, path in enumerate(paths)}
    with ExitStack() as stack:
        parts = [stack.enter_context(open_case(path, case.manifest, case.coverage, resume=True)) for path in found]
        for part in (part for part in parts if len(part)):
            case.settle(part.basis())
        merged = heapq.merge(*(part.records() for part in parts), key=lambda record: order.get(record.path, len(order)))
        for batch in _batches(merged, _MERGED):
            case.add(batch)
        for part in parts:
            for entry in part.log():
                origin = "" if entry.action == "device" else f" ({part.path.name}, {entry.time})"
                case.write_log(entry.action, entry.detail + origin)
    for path in found:
        path.unlink()


def has_answers(case: Case) -> bool:
    """Whether there are any, in it or in what a shared run that was killed left beside it."""
    return len(case) > 0 or bool(_parts(case))


def _parts(case: Case) -> list[Path]:
    return sorted(case.path.parent.glob(f"{glob.escape(case.path.name)}.part-*[0-9]"))


def _part(path: Path, index: int) -> Path:
    return path.with_name(f"{path.name}.part-{index}")


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    remaining = iter(records)
    while batch := list(islice(remaining, size)):
        yield batch
