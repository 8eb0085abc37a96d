"""Drives generators that yield progress and return a result."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Step = TypeVar("Step")
Shown = TypeVar("Shown")
Result = TypeVar("Result")


class Whole(Generic[Step, Result]):
    """The steps of a generator, and its result after the last step."""

    result: Result
    """What the generator returned."""

    def __init__(self, steps: Generator[Step, None, Result]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[Step]:
        self.result = yield from self._steps


def drive(
    steps: Generator[Step, None, Result], show: Callable[[Step], object] | None = None
) -> Result:
    """Run a generator to its end; return what it returns.

    Parameters
    ----------
    steps : generator
        It is closed however the run ends.
    show : callable, optional
        Gets each value that the generator yields.
    """
    whole = Whole(steps)
    with closing(steps):
        for step in whole:
            if show is not None:
                show(step)
    return whole.result


def translate(
    steps: Generator[Step, None, Result], words: Callable[[Step], Shown]
) -> Generator[Shown, None, Result]:
    """Yield what `words` makes of each step of a generator; return what the generator returns.

    Parameters
    ----------
    steps : generator
        It is closed however the run ends.
    words : callable
        Gets each value that the generator yields.
    """
    whole = Whole(steps)
    with closing(steps):
        for step in whole:
            yield words(step)
    return whole.result
