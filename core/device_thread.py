"""The one thread in which PyTorch works for an attributor, on what is submitted and, before that, on what is urgent.

While one thread computes, another writes down what it found. Once two threads of a process had PyTorch work in
parallel, OpenMP's helpers of both doze off between two operations, which costs victims of many small ones a quarter of
their speed: so all that computes is done here, and the others have no helpers. A program that has PyTorch work
in its own thread anyway has it judge there too.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

from core.progress import PATIENCE, CancelToken

_Made = TypeVar("_Made")
_Given = ParamSpec("_Given")


class DeviceThread:
    """It ends with its owner. Nothing that it does may wait for something else that it is to do."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._urgent: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def submit(self, work: Callable[_Given, _Made], *args: _Given.args, **kwargs: _Given.kwargs) -> Future[_Made]:
        """Have it do some work when it is done with what it was given before."""
        return self._pool.submit(work, *args, **kwargs)

    def first(self, work: Callable[[], _Made], cancel: CancelToken) -> _Made:
        """What ``work`` gives, done before all that was submitted: at the latest once the thread attends to it.

        cancel: of the work, which an interrupt of who waits here ends as well.
        """
        done: Future[_Made] = Future()

        def told() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._urgent.put(told)
        self.submit(self.attend)
        try:
            while not done.done():
                wait([done], PATIENCE)  # in slices: on Windows an endless wait is deaf to Ctrl-C
        except BaseException:
            cancel.cancel()
            raise
        return done.result()

    def attend(self) -> None:
        """Do what is urgent. Long work calls this in between, for somebody looks at what is attributed."""
        while True:
            try:
                told = self._urgent.get_nowait()
            except Empty:
                return
            told()


class CallersThread(DeviceThread):
    """Stands in for a thread where PyTorch works in the caller's as well, who only waits for the answers."""

    def __init__(self) -> None:
        """There is no thread to begin."""

    def submit(self, work: Callable[_Given, _Made], *args: _Given.args, **kwargs: _Given.kwargs) -> Future[_Made]:
        """Do it now."""
        done: Future[_Made] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done

    def first(self, work: Callable[[], _Made], cancel: CancelToken) -> _Made:
        """The same; nothing waits before it, and what interrupts it ends it."""
        return work()

    def attend(self) -> None:
        """Nobody else can ask for anything."""
