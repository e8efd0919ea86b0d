"""Clean images from folders: class sub-folders as Imagenette has them, or tar files of such folders.

An image's class is the name of the folder it lies in; a folder ``val`` or ``test`` above that makes it a test image.
Images that lie in no class's folder have no labels: what a pretrained victim calls an image then counts as right.

Images are taken in once: centred squares of one size, uint8, row after row in one file below the run's folder. From
there they are mapped into memory, so that a set larger than the memory does no harm.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, DiskFullError, ImageError
from core.files import make_folder, replacing, unwritten, write_file
from core.folders import SUFFIXES, find_images
from core.imageio import MAX_FILE_BYTES, decode_image, read_bytes
from core.labels import FOLDER
from core.manifest import LONGEST_NAME, ImageSpec
from core.preprocess import prepare
from core.progress import CancelToken, ProgressCallback, ProgressMeter
from core.reading import THREADS
from core.types import LoadedImage
from training.histories import EDITION, with_history
from training.scenario import CleanSpec, Counts
from training.sources import SPLITS, CleanImages, content_of, load_source, split_beside, split_by_content

PIXELS, INDEX = "images.bin", "images.json"
_HELD_OUT = {"val", "valid", "validation", "test"}
_PARTS = _HELD_OUT | {"train"}
_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file that was found and not read yet.

    place: its path below the folder or inside the tar file. label: its class's folder, "" where it lies in none.
    """

    place: str
    size: int
    label: str
    held_out: bool
    where: Path | tarfile.TarInfo
    tar: tarfile.TarFile | None = None

    @property
    def seed(self) -> int:
        """The same for the same place, wherever the folder lies."""
        return int.from_bytes(hashlib.sha256(self.place.encode("utf-8", "replace")).digest()[:8], "big")

    def read(self) -> LoadedImage:
        """Raises ImageError."""
        return decode_image(self.data(), self.place)

    def data(self) -> bytes:
        """The file's bytes; those of a tar file by one thread at a time. Raises ImageError."""
        if isinstance(self.where, Path):
            return read_bytes(self.where)[0]
        if self.where.size > MAX_FILE_BYTES:
            raise ImageError(f"{self.place} is too large.")
        assert self.tar is not None
        try:
            file: IO[bytes] | None = self.tar.extractfile(self.where)
            return file.read() if file is not None else b""
        except (OSError, tarfile.TarError, EOFError) as error:
            raise ImageError(f"{self.place} cannot be read: {error}.") from error


@contextmanager
def open_folder(data: Path) -> Iterator[list[Picture]]:
    """The image files below ``data``, a folder or a tar file; they can be read inside the block.

    A folder's tar files are looked into as if they were unpacked beside its own images; nothing is unpacked.
    Raises DataError if there is no image, or if some are labelled and others not.
    """
    with ExitStack() as open_files:
        found: list[Picture] = []
        tars = [data] if data.is_file() else sorted(data.glob("*.tar"))
        for path in tars:
            tar = open_files.enter_context(_open_tar(path))
            found += [_picture(member.name, member.size, member, tar) for member in _members(tar, path)]
        if data.is_dir():
            for path in find_images([data]):
                if path.is_dir():
                    raise DataError(f"The folder {path} cannot be opened.", "Make it readable, or move it elsewhere.")
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    found.append(_picture(path.relative_to(data).as_posix(), path.stat().st_size, path))
        if not found:
            there = "holds no image" if data.exists() else "does not exist"
            raise DataError(
                f"{data} {there}.", "Give a folder of images, best in sub-folders by class, or its tar file."
            )
        if len(found) > _MANY:
            raise DataError(f"{data} holds more than {_MANY:,} images.", "Give a part of it.")
        _check_labels(found, data)
        yield found


def _open_tar(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:")
    except (OSError, tarfile.TarError, EOFError) as error:
        raise DataError(f"{path} is not a tar file: {error}.", "Unpack other archives, and give the folder.") from error


def _members(tar: tarfile.TarFile, path: Path) -> Iterator[tarfile.TarInfo]:
    try:
        for member in tar:
            place = PurePosixPath(member.name)
            if member.isfile() and place.suffix.lower() in SUFFIXES and not place.name.startswith("."):
                yield member
    except (OSError, tarfile.TarError, EOFError) as error:
        raise DataError(f"{path} is a damaged tar file: {error}.", "Fetch the file again.") from error


def _picture(place: str, size: int, where: Path | tarfile.TarInfo, tar: tarfile.TarFile | None = None) -> Picture:
    folders = [part for part in PurePosixPath(place).parts[:-1] if part != "."]
    label = folders.pop() if folders and folders[-1].lower() not in _PARTS else ""
    return Picture(place, size, label, bool(folders) and folders[-1].lower() in _HELD_OUT, where, tar)


def _check_labels(found: Sequence[Picture], data: Path) -> None:
    labels = {picture.label for picture in found}
    if "" in labels and len(labels) > 1:
        stray = next(picture.place for picture in found if not picture.label)
        raise DataError(f"{stray} lies in no class's folder, while other images of {data} do.", "Move it into one.")
    if labels != {""} and len(labels) < 2:
        raise DataError(
            f"{data} has a single class, {labels.pop()}.",
            "Give the folder above, or the images' own folder if they have no classes.",
        )


def class_names(found: Sequence[Picture]) -> tuple[str, ...]:
    """Folders' names in the order of the labels; empty where there are no classes."""
    return tuple(sorted({picture.label for picture in found} - {""}))


def _called(folders: tuple[str, ...], spec: CleanSpec) -> tuple[str, ...]:
    """What the classes of these folders are called. Raises DataError for a name of a folder that is not there, or that
    two classes would have."""
    names = spec.names or {}
    remedy = "Mend the names of the scenario's [clean]."
    if lacking := sorted(names.keys() - set(folders)):
        raise DataError(f"No class has a folder {lacking[0]}.", remedy)
    called = [names.get(folder, folder).encode("utf-8", "backslashreplace").decode() for folder in folders]
    if names and (twice := [name for name, number in Counter(called).items() if number > 1]):
        raise DataError(f"Two classes would be called {twice[0]}.", remedy)
    return tuple(name[:LONGEST_NAME] for name in called)


def clean_images(
    spec: CleanSpec, data: Path | None, keep: Path, *, tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
) -> CleanImages:  # fmt: skip
    """A scenario's clean images, wherever they come from. keep: where a folder's are kept. Raises DataError."""
    if spec.source != "folder":
        return load_source(spec.source, data)
    if data is None:
        raise DataError("The images' folder is missing.", "Give --data DIR, a folder of images or a tar file.")
    return take_in(data, spec, keep, tell=tell, cancel=cancel)


def take_in(
    data: Path, spec: CleanSpec, keep: Path, *, tell: ProgressCallback = lambda _: None,
    cancel: CancelToken | None = None,
) -> CleanImages:  # fmt: skip
    """The folder's images as ``spec`` wants them, kept in ``keep`` and mapped from there by later runs.

    Files that are no readable image are left out and named in ``CleanImages.skipped``. Raises DataError for a folder
    that gives no data set, DiskFullError before anything is written.
    """
    with open_folder(data) as found:
        chosen = chosen_of(found, spec.per_class)
        names = class_names(found)
        wanted = _fingerprint(chosen, spec)
        kept = _read_index(keep)
        if kept.get("fingerprint") != wanted:
            kept = _write(chosen, names, spec, keep, wanted, tell, cancel)
    images = np.memmap(keep / PIXELS, np.uint8, "r", shape=tuple(kept["shape"]))
    content = np.asarray(kept["content"], np.float64)
    return CleanImages(
        name=FOLDER,
        images=images,
        labels=np.asarray(kept["labels"], np.int64),
        split=_split(content, np.asarray(kept["held_out"], np.bool_), spec.pool),  # another run's pool may be another
        content=content,
        classes=len(names),
        class_names=_called(names, spec),
        skipped=tuple(kept["skipped"]),
    )


def chosen_of(found: Sequence[Picture], per_class: int | None) -> list[Picture]:
    """At most ``per_class`` of each class and part, mixed: in the order of their paths' hashes, whatever found them."""
    mixed = sorted(found, key=lambda picture: picture.seed)
    taken: Counter[tuple[str, bool]] = Counter()
    chosen = []
    for picture in mixed:
        taken[picture.label, picture.held_out] += 1
        if per_class is None or taken[picture.label, picture.held_out] <= per_class:
            chosen.append(picture)
    return chosen


def _fingerprint(chosen: Sequence[Picture], spec: CleanSpec) -> str:
    """Of what was found and how it is to be taken in; a file that changed within its size goes by its time."""
    listing = [
        (p.place, p.size, p.where.stat().st_mtime_ns)
        if isinstance(p.where, Path)
        else (p.place, p.size, p.where.offset_data, p.where.mtime)
        for p in chosen
    ]
    taken = [listing, spec.size, spec.channels, *(["histories", EDITION] if spec.histories else [])]
    return hashlib.sha256(json.dumps(taken).encode()).hexdigest()


def _read_index(keep: Path) -> dict[str, Any]:
    try:
        index: dict[str, Any] = json.loads((keep / INDEX).read_text("utf-8"))
        whole = (keep / PIXELS).stat().st_size == int(np.prod(index["shape"]))
        return index if whole and {"content", "held_out"} <= index.keys() else {}  # older ones lack them
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(
    chosen: Sequence[Picture], names: Sequence[str], spec: CleanSpec, keep: Path, fingerprint: str,
    tell: ProgressCallback, cancel: CancelToken | None,
) -> dict[str, Any]:  # fmt: skip
    assert spec.size is not None
    shape = ImageSpec(channels=spec.channels or 3, height=spec.size, width=spec.size)
    make_folder(keep)
    (keep / INDEX).unlink(missing_ok=True)  # it speaks of the images that are replaced now
    needed = len(chosen) * shape.channels * shape.height * shape.width
    if needed > (free := shutil.disk_usage(keep).free):
        raise DiskFullError(keep / PIXELS, needed, free)
    meter = ProgressMeter("reading images", len(chosen), tell, cancel=cancel)
    read: list[Picture] = []
    skipped: list[str] = []
    content: list[float] = []
    with _written(keep / PIXELS, needed) as temporary:
        with temporary.open("xb") as file:
            for picture, taken in _ahead(chosen, shape, histories=bool(spec.histories)):
                if cancel is not None:
                    cancel.check()
                try:
                    pixels, own = taken.result()
                    file.write(pixels.tobytes())
                    content.append(own)
                    read.append(picture)
                except ImageError as error:
                    if isinstance(error.__cause__, MemoryError):  # which says nothing of the image
                        raise
                    skipped.append(error.what)
                meter.advance(1)
        if not read:
            raise DataError(f"None of {len(chosen)} images can be read: {skipped[0]}", "Give other images.")
    rows = (len(read), shape.channels, shape.height, shape.width)
    index = {
        "fingerprint": fingerprint, "shape": rows, "content": content, "skipped": skipped,
        "held_out": [p.held_out for p in read],
        "labels": [names.index(p.label) if p.label else -1 for p in read],
    }  # fmt: skip
    write_file(keep / INDEX, json.dumps(index).encode())
    return index


def _ahead(
    chosen: Sequence[Picture], shape: ImageSpec, *, histories: bool
) -> Iterator[tuple[Picture, Future[tuple[NDArray[np.uint8], float]]]]:
    """Each picture in order, with its pixels and its content's number, which a few threads work out ahead."""

    def take(picture: Picture, data: bytes) -> tuple[NDArray[np.uint8], float]:
        pixels = square(decode_image(data, picture.place), shape)
        content = float(content_of(pixels[None])[0])  # a history changes nobody's split
        return with_history(pixels, picture.seed) if histories else pixels, content

    def begun(picture: Picture) -> Future[tuple[NDArray[np.uint8], float]]:
        try:
            return pool.submit(take, picture, picture.data())
        except ImageError as error:
            failed: Future[tuple[NDArray[np.uint8], float]] = Future()
            failed.set_exception(error)
            return failed

    waiting: deque[tuple[Picture, Future[tuple[NDArray[np.uint8], float]]]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
        for picture in chosen:
            waiting.append((picture, begun(picture)))
            if len(waiting) > 2 * THREADS:
                yield waiting.popleft()
        yield from waiting


@contextmanager
def _written(path: Path, needed: int) -> Iterator[Path]:
    try:
        with replacing(path) as temporary:
            yield temporary
    except OSError as error:
        raise unwritten(path, needed, error) from error


def _split(content: NDArray[np.float64], held_out: NDArray[np.bool_], pool: Counts) -> NDArray[np.uint8]:
    """pool: images wanted of each split. Raises DataError where one that is wanted gets none.

    Where none is wanted nothing is trained or calibrated: all images test, if no part of them is held out for that.
    """
    mixed = 0 < held_out.sum() < len(held_out)
    if not (mixed or pool.train or pool.calibration or pool.test):
        return np.full(len(content), SPLITS.index("test"), np.uint8)
    split = split_beside(content, held_out) if mixed else split_by_content(content)
    for at, name in enumerate(SPLITS):
        if getattr(pool, name) and not (split == at).any():
            raise DataError(
                f"{len(content)} images leave none to {name}.", "Give more, or raise per_class where it is set."
            )
    return split


def square(image: LoadedImage, shape: ImageSpec) -> NDArray[np.uint8]:
    """The largest centred square, scaled: uint8 [channels, size, size]. An image that fits comes through as it is."""
    height, width = image.pixels.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = replace(image, pixels=image.pixels[:, top : top + side, left : left + side])
    pixels: NDArray[np.uint8] = np.round(prepare(middle, shape).tiles[0] * 255).astype(np.uint8)
    return pixels
