"""The frozen questions that the window asks of its worker, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.decoded import Decoded, file_key
from core.errors import ImageError
from core.imageio import Header, decode_image, header_of, load_image
from core.listed import Record
from core.progress import CancelToken
from core.types import Finding, LoadedImage, Reference
from core.wording import shown

if TYPE_CHECKING:
    from core.manifest import Fit, Manifest
    from core.opened import Ground
    from core.victim_store import Held


class Attributes(Protocol):
    """What the worker needs of :class:`core.attributor.Attributor`."""

    @property
    def device_name(self) -> str: ...

    @property
    def manifest(self) -> Manifest: ...

    def refer_to(self, reference: Reference | None) -> None: ...

    def attribute(
        self,
        images: Sequence[LoadedImage],
        *,
        coverage: float | None = None,
        heatmaps: bool = False,
        cancel: CancelToken | None = None,
    ) -> list[Finding]: ...


@dataclass(frozen=True, slots=True)
class Setup:
    """Which pack on which device, and whom it asks.

    pack: a name or a file. device: "auto", "cpu" or "cuda:N". ask: the pack's victims that are at hand. victims: files
    of further ones, which were handed over. only: hashes of those that the answers of a case rest on, whom it keeps to.
    closed: hashes of those of whom it was said that one of them, or one who is asked beside them, is the victim of
    every attack; empty where that was not said.
    fit: the way in which the case fits images of another size, None for the pack's own.
    reference: known clean images, as this pack and these victims judged them, beside which answers are told.
    """

    pack: str
    device: str
    ask: bool = True
    victims: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    fit: Fit | None = None
    closed: tuple[str, ...] = ()
    reference: Reference | None = None

    def asks(self, held: Held | None) -> bool:
        """Whether a victim that is offered is asked: one at hand, and of a case one that its answers rest on."""
        return held is not None and (self.only is None or held.sha256 in self.only)


Factory = Callable[[Setup], Attributes]

_DECODED = Decoded()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to judge. A pasted image has no file: its encoded bytes are in ``data``.

    ground: of a file that a case lists, what this user opened for that case; it grows as more is opened.
    """

    key: int
    path: str
    data: bytes | None = None
    ground: Ground | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The file's name as it is shown."""
        return shown(Path(self.path).name)

    @property
    def may_look(self) -> bool:
        """Whether the file may be read: not where a case alone vouches for another computer (:mod:`core.opened`)."""
        return self.ground is None or self.ground.allows(self.path)

    def load(self) -> LoadedImage:
        """Decode the image, unless somebody holds it. Raises ImageError."""
        if not self.may_look:
            what = f"{self.path} is on another computer, and you did not open it for this case: it was not looked at."
            raise ImageError(what, "Open its folder.")
        path, data = self.path, self.data
        if data is None:
            return _DECODED.image(file_key(path), lambda: load_image(Path(path)))
        return _DECODED.image((path, data), lambda: decode_image(data, path))

    def header(self) -> Header | None:
        """What the file says of itself, if it may be read."""
        return header_of(Path(self.path) if self.data is None else self.data) if self.may_look else None


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """Judge the image on screen, with its heatmap."""

    setup: Setup
    entry: Entry
    image: LoadedImage
    coverage: float


@dataclass(frozen=True, slots=True)
class CoverRequest:
    """Tell answers of a setup anew, at another coverage or beside the setup's known clean images."""

    setup: Setup
    records: tuple[tuple[Entry, Record], ...]
    coverage: float


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Judge every entry that is still wanted, without heatmaps. Cancelled through its own token.

    wanted: asked on the worker's thread by an entry's key, once it is its turn: it may have been taken from the list.
    """

    setup: Setup
    entries: tuple[Entry, ...]
    coverage: float
    wanted: Callable[[int], object] = field(default=lambda _: True, compare=False)
    token: CancelToken = field(default_factory=CancelToken, compare=False)

    @property
    def files(self) -> int:
        return len(self.entries)


@dataclass(frozen=True, slots=True)
class CaseRequest:
    """Attribute those of the files that the case still waits for, and write them into it."""

    setup: Setup
    case: Path
    paths: tuple[str, ...]
    coverage: float
    token: CancelToken = field(default_factory=CancelToken, compare=False)

    @property
    def files(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True)
class HeatmapRequest:
    """Judge an image with its heatmap, for another thread that waits for it; None where the pack cannot judge it."""

    setup: Setup
    image: LoadedImage
    answer: Future[Finding | None] = field(default_factory=Future, compare=False)


@dataclass(frozen=True, slots=True)
class ViewAnswer:
    request: ViewRequest
    record: Record


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    request: BatchRequest
    records: tuple[tuple[Entry, Record], ...]


def error_record(entry: Entry, reason: str) -> Record:
    return Record(entry.path, None, "error", reason, None)
