"""Rows of a damaged SQLite database, as far as they can be read.

SQLite finds rows by their numbers, in a tree of pages, and fails at a damaged one: what lies before and behind it is
read all the same. What an index holds of rows is read from both of its ends. Damage may also turn the order of rows
round, which must not lead back to those that were read already.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

_READ = 256
"""Rows that are read at once, until some of them cannot be."""
_ONE_BY_ONE = 64
_FARTHEST = 100_000
"""Rows that are given up before all behind them are. Any page has fewer below it but the one that leads to all."""


def rows(
    source: sqlite3.Connection, table: str, columns: str, advance: Callable[[int], None]
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    """The rows of a table, each with its number first, ascending. advance: told how many more were read."""
    query = f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
    last: int | None = 0
    many = _READ
    while last is not None:
        advance(0)
        try:
            found = source.execute(query, (last, many)).fetchall()
        except sqlite3.Error:
            found = None
        if found == []:
            return
        before = last
        for row in found or ():
            if row[0] > last:
                yield row
                last = row[0]
        if last > before:
            advance(len(found or ()))
            many = min(2 * many, _READ)
        else:
            last = _past(source, query, last) if many == 1 else last
            many = 1


def _past(source: sqlite3.Connection, query: str, last: int) -> int | None:
    """The least number behind which rows can be read again that could not be behind ``last``; None if none is near.

    What a page holds is tried one by one; damage that goes on is at a page from which many others are found.
    """

    def readable(number: int) -> bool:
        try:
            row = source.execute(query, (number, 1)).fetchone()
        except sqlite3.Error:
            return False
        return row is None or row[0] > number

    damaged = last
    for tries in count():
        number = damaged + 1 + tries // _ONE_BY_ONE
        if readable(number):
            return next(at for at in range(damaged + 1, number + 1) if readable(at))
        if number > last + _FARTHEST:
            break
        damaged = number
    return None


def indexed(
    source: sqlite3.Connection, table: str, index: str, column: str, advance: Callable[[int], None]
) -> dict[int, Any]:  # fmt: skip
    """A column's values by the numbers of their rows, as an index over that column holds them."""
    found: dict[int, Any] = {}
    for order, beyond in (("ASC", ">"), ("DESC", "<")):
        last: tuple[Any, ...] = ()
        many = _READ
        while many:
            advance(0)
            behind = f"AND ({column}, rowid) {beyond} (?, ?)" if last else ""
            query = (
                f"SELECT {column}, rowid FROM {table} INDEXED BY {index} WHERE {column} IS NOT NULL {behind} "
                f"ORDER BY {column} {order}, rowid {order} LIMIT ?"
            )
            try:
                some = source.execute(query, (*last, many)).fetchall()
            except sqlite3.Error:
                many = 1 if many > 1 else 0
                continue
            known = len(found)
            found.update({number: value for value, number in some if number not in found})
            if len(found) == known:
                break
            last = some[-1]
    return found
