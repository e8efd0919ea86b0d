"""One thread that owns the device and answers requests.

The analyst's eye comes first: a view request is answered before the next batch of waiting images, and a newer view
request replaces an older one. Answers leave as signals, so every handler runs on the GUI thread. A paused batch
keeps its place while views are answered.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QThread, Signal

from app import colormaps
from app.judging import gpus, judge, load_some, make_attributor, refer, told_anew
from app.requests import (
    Attributes,
    BatchAnswer,
    BatchRequest,
    CaseRequest,
    CoverRequest,
    Entry,
    Factory,
    HeatmapRequest,
    Setup,
    ViewAnswer,
    ViewRequest,
    error_record,
)
from core.errors import Cancelled, CaseError, ImageError, WorkbenchError
from core.listed import Record
from core.progress import CancelToken, ProgressMeter
from core.types import LoadedImage

if TYPE_CHECKING:
    from core.attributor import Attributor


Job = Setup | ViewRequest | HeatmapRequest | CoverRequest | BatchRequest | CaseRequest


class Worker(QThread):
    """The only thread that touches the device. Built with the factory that makes its attributor."""

    loading = Signal(object)
    """Setup: a pack begins to load."""
    ready = Signal(object, str)
    """Setup and the name of the device it runs on."""
    failed = Signal(object, str)
    """Setup and the reason why it cannot be used; the reason is empty when the program itself is at fault."""
    viewed = Signal(object)
    judged = Signal(object)
    covered = Signal(object, object)
    """CoverRequest and its records, told anew."""
    filled = Signal(object, object)
    """CaseRequest and the records that are now in the case."""
    refused = Signal(object)
    """A CaseError: the case of a request cannot be written to."""
    progressed = Signal(object)
    batch_ended = Signal(object, bool)
    """A request, and whether it was gone through to its end."""
    devices_found = Signal(object)
    """((device, name), ...) of the GPUs, once torch can tell."""
    crashed = Signal(object)
    """An exception that no user caused."""

    def __init__(self, factory: Factory = make_attributor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("device worker")
        self._factory = factory
        self._wake = threading.Condition()
        self._view: ViewRequest | None = None
        self._viewing = CancelToken()  # of the view that is being answered
        self._heatmaps: deque[HeatmapRequest] = deque()
        self._cover: CoverRequest | None = None
        self._batches: deque[BatchRequest | CaseRequest] = deque()
        self._setup: Setup | None = None
        self._stopping = False
        self._attributor: Attributes | None = None
        self._loaded: Setup | None = None
        self._told_devices = False
        self._seen: tuple[Setup, float, Record] | None = None  # the latest view's answer: its image may be next

    # Called on any thread.

    def ask_heatmap(self, request: HeatmapRequest) -> None:
        """Answered before the next batch, or after all where that is of another setup; cancelled if the worker ends."""
        with self._wake:
            if self._stopping:
                request.answer.cancel()
            self._heatmaps.append(request)
            self._wake.notify()

    # Called on the GUI thread.

    def token(self) -> CancelToken:
        """For one batch: its pause leaves this thread to views."""
        return CancelToken(self._stand)

    def prepare(self, setup: Setup) -> None:
        """Load a pack before anybody asks."""
        with self._wake:
            self._setup = setup
            self._wake.notify()

    def view(self, request: ViewRequest) -> None:
        with self._wake:
            self._view = request
            self._viewing.cancel()  # nobody looks at it any more
            self._wake.notify()

    def cover(self, request: CoverRequest) -> None:
        """Answered before the next batch, and in place of an earlier one that was not yet."""
        with self._wake:
            self._cover = request
            self._wake.notify()

    def enqueue(self, request: BatchRequest | CaseRequest) -> None:
        with self._wake:
            self._batches.append(request)
            self._wake.notify()

    def pause_batches(self, paused: bool) -> None:
        """Stand still after the batch in hand, or go on."""
        with self._wake:
            for batch in self._batches:
                (batch.token.pause if paused else batch.token.resume)()
            self._wake.notify()

    def cancel_batches(self, setup: Setup | None = None) -> None:
        """All of them, or those of one setup: what waits for another that was chosen since is not to blame."""
        with self._wake:
            kept: deque[BatchRequest | CaseRequest] = deque()
            for batch in self._batches:
                if setup is None or batch.setup == setup:
                    batch.token.cancel()
                else:
                    kept.append(batch)
            self._batches = kept
            self._wake.notify()

    def stop(self) -> None:
        """End after the batch in hand and wait for it."""
        with self._wake:
            self._stopping = True
            self._view = self._cover = None
            self._viewing.cancel()
            for request in self._heatmaps:
                request.answer.cancel()
        self.cancel_batches()
        self.wait()

    # Runs on the worker thread.

    def run(self) -> None:
        colormaps.warm_up()
        while (job := self._next()) is not None:
            try:
                self._do(job)
            except Cancelled:
                continue
            except WorkbenchError as error:
                self._give_up(str(error))
            except Exception as error:
                self.crashed.emit(error)
                self._give_up("")
        self._attributor = None

    def _next(self) -> Job | None:
        with self._wake:
            while not (self._stopping or self._is_urgent() or self._batches or self._setup):
                self._wake.wait()
            if self._stopping:
                return None
            if urgent := self._urgent():
                return urgent
            if self._setup:
                setup, self._setup = self._setup, None
                return setup
            return self._batches[0]

    def _is_urgent(self) -> bool:
        """Whether something goes before the next batch."""
        return bool(self._view or self._may_draw() or self._cover)

    def _may_draw(self) -> bool:
        """Whether a heatmap is wanted that another pack need not be loaded for in the middle of a batch."""
        return bool(self._heatmaps) and (not self._batches or self._heatmaps[0].setup == self._loaded)

    def _urgent(self) -> ViewRequest | HeatmapRequest | CoverRequest | None:
        """What goes before the next batch, taken from where it waited."""
        if self._view:
            view, self._view = self._view, None
            self._viewing = CancelToken()
            return view
        if self._may_draw():
            return self._heatmaps.popleft()
        cover, self._cover = self._cover, None
        return cover

    def _do(self, job: Job) -> None:
        match job:
            case Setup():
                self._ensure(job)
            case ViewRequest():
                self._answer_view(job)
            case HeatmapRequest():
                self._answer_heatmap(job)
            case CoverRequest():
                manifest = self._ensure(job.setup).manifest
                records = [record for _, record in job.records]
                self.covered.emit(job, told_anew(records, manifest, job.coverage, job.setup.reference))
            case BatchRequest():
                self._run_batch(job)
            case CaseRequest():
                self._fill_case(job)

    def _ensure(self, setup: Setup) -> Attributes:
        if self._attributor is None or self._loaded != setup:
            held, self._attributor, self._loaded = self._held(setup), None, None
            try:
                if held is None:
                    self.loading.emit(setup)
                    held = self._factory(setup)
                else:
                    refer(held, setup)
                self._attributor, self._loaded = held, setup
            except Exception as error:
                mendable = isinstance(error, WorkbenchError)
                self.failed.emit(setup, str(error) if mendable else "")
                self.cancel_batches(setup)
                if mendable:
                    raise Cancelled from error
                raise
            self.ready.emit(setup, self._attributor.device_name)
            if not self._told_devices:
                self._told_devices = True
                self.devices_found.emit(gpus())
        return self._attributor

    def _held(self, setup: Setup) -> Attributes | None:
        """What is loaded, where it need only be told of other known clean images."""
        loaded = self._loaded
        return self._attributor if loaded is not None and replace(loaded, reference=setup.reference) == setup else None

    def _answer_view(self, request: ViewRequest) -> None:
        attributor = self._ensure(request.setup)
        coverage = attributor.manifest.calibration.nearest(request.coverage)
        try:
            (finding,) = attributor.attribute([request.image], coverage=coverage, heatmaps=True, cancel=self._viewing)
        except Cancelled:
            return  # a newer view waits, or the end
        except ImageError as error:
            record = error_record(request.entry, str(error))
        else:
            record = Record(request.entry.path, request.image.sha256, "ok", None, finding)
            self._seen = request.setup, request.coverage, record.bare
        self.viewed.emit(ViewAnswer(request, record))

    def _answer_heatmap(self, request: HeatmapRequest) -> None:
        if not request.answer.set_running_or_notify_cancel():
            return
        try:
            (finding,) = self._ensure(request.setup).attribute([request.image], heatmaps=True)
            request.answer.set_result(finding)
        except ImageError:
            request.answer.set_result(None)
        except Exception as error:
            failed = isinstance(error, Cancelled) and error.__cause__ is not None  # there is no device or no pack
            request.answer.set_exception(error.__cause__ if failed else error)
            raise

    def _fill_case(self, request: CaseRequest) -> None:
        """All of its files, with views answered between batches; the case is this thread's own while it is written."""
        from core.batch import fill_case, reopen_case  # noqa: PLC0415  (pydantic)

        def written(records: Sequence[Record]) -> None:
            self.filled.emit(request, records)
            self._serve()

        try:
            attributor = cast("Attributor", self._ensure(request.setup))
            with reopen_case(request.case, attributor.manifest, request.coverage) as case:
                fill_case(
                    case,
                    attributor,
                    [Path(path) for path in request.paths],
                    progress=self.progressed.emit,
                    cancel=request.token,
                    written=written,
                )
        except CaseError as error:
            self.refused.emit(error)
        finally:
            self._end(request, whole=False)

    def _run_batch(self, request: BatchRequest) -> None:
        """The whole batch, with views answered in between."""
        whole = False
        try:
            meter = ProgressMeter(
                "attribute", len(request.entries), self.progressed.emit, interval=0.1, cancel=request.token
            )
            places = {entry.key: at for at, entry in enumerate(request.entries, 1)}
            waiting = (entry for entry in request.entries if request.wanted(entry.key))
            done = 0
            while chunk := load_some(waiting):
                request.token.check()
                self._serve()
                attributor = self._ensure(request.setup)
                self.judged.emit(BatchAnswer(request, self._judge_chunk(attributor, chunk, request)))
                before, done = done, places[chunk[-1][0].key]  # those that nobody wants any more are passed over
                meter.advance(done - before)
            whole = True
        finally:
            self._end(request, whole=whole)

    def _end(self, request: BatchRequest | CaseRequest, *, whole: bool) -> None:
        with self._wake:
            self._batches = deque(batch for batch in self._batches if batch is not request)
        self.batch_ended.emit(request, whole)

    def _serve(self) -> None:
        """Answer what should not wait for the rest of a batch."""
        with self._wake:
            job = self._urgent()
        while job is not None:
            self._do(job)
            with self._wake:
                job = self._urgent()

    def _stand(self, still: bool) -> None:
        """While the batch in hand is paused, answer views until somebody resumes or cancels."""
        while still:
            with self._wake:
                while self._paused() and not self._is_urgent():
                    self._wake.wait()
                still = self._paused()
            self._serve()

    def _paused(self) -> bool:
        return bool(self._batches) and self._batches[0].token.paused

    def _judge_chunk(
        self, attributor: Attributes, chunk: Sequence[tuple[Entry, LoadedImage | str]], request: BatchRequest
    ) -> tuple[tuple[Entry, Record], ...]:
        """Records in the chunk's order; a file that is no image becomes a record that says why."""
        told = [(entry, self._told(entry, image, request)) for entry, image in chunk]
        pairs = [
            (entry, image)
            for (entry, image), (_, record) in zip(chunk, told, strict=True)
            if record is None and not isinstance(image, str)
        ]
        judged = iter(judge(attributor, pairs, request.coverage, request.token))
        return tuple((entry, record or next(judged)) for entry, record in told)

    def _told(self, entry: Entry, image: LoadedImage | str, request: BatchRequest) -> Record | None:
        """A record that needs no judging: why a file is no image, or what was just said of it for a view."""
        if isinstance(image, str):
            return error_record(entry, image)
        if self._seen is not None:
            setup, coverage, record = self._seen
            if (setup, coverage, record.sha256) == (request.setup, request.coverage, image.sha256):
                return replace(record, path=entry.path)
        return None

    def _give_up(self, reason: str) -> None:
        """The device or the program failed: drop what waits, rather than fail on every image of it."""
        if self._loaded is not None:
            self.cancel_batches(self._loaded)
            self.failed.emit(self._loaded, reason)
        self._attributor = self._loaded = None
