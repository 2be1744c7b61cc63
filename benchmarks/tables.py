"""Results as Markdown."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeVar

NOTHING = "-"

R = TypeVar("R")
Quantity = Callable[[Mapping[str, R], str], str]
"""A table's cell, from the results of its row by contender and the contender whose cell it is."""


def print_comparison(
    quantities: Mapping[str, Quantity[R]], measured: Mapping[str, Mapping[str, R]], contenders: Sequence[str]
) -> None:
    """A table for each of `quantities`, by title; a row for each of `measured`, by name; a column a contender."""
    if not measured:
        return
    for title, cell in quantities.items():
        rows = [
            (name, *(cell(results, each) if each in results else NOTHING for each in contenders))
            for name, results in measured.items()
        ]
        print_rows((title, *contenders), rows)


def print_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column aligned left, the others right."""
    rule = ("---", *("---:" for _ in header[1:]))
    for cells in (header, rule, *rows):
        print(f"| {' | '.join(cells)} |")
    print(flush=True)


def spread(values: Sequence[float], *, digits: int = 0) -> str:
    """Median and, in parentheses, least and greatest."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def ratio(values: Sequence[float], yardstick: Sequence[float]) -> str:
    """Median over rounds: a value is compared with the yardstick's of the same round."""
    return f"{median(own / other for own, other in zip(values, yardstick, strict=True)):.2f}"
