"""Did a change of the code make kernels or networks slower? Compare two runs of `speed.py`.

    git switch main && python benchmarks/gpu/speed.py --write before
    git switch my-change && python benchmarks/gpu/speed.py --write after
    python benchmarks/gpu/compare.py before.json after.json

The columns are the least time of our kernels before and after the change, and their ratio. Plain
PyTorch is timed in both runs, although the change does not concern it, so its ratio shows how much
the machine itself scatters. A row is called slower or faster only if its ratio differs from 1 by
more than twice the largest such scatter, and by at least 2 %. Wrong results are compared with
nothing. The exit code is 1 if a row is slower or wrong, or the runs are from different devices.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from targets import Result

LEAST = 0.02
"""Smallest change of a time that is reported, as a share."""
SAME = ("device", "torch", "triton")
"""What both runs must have in common."""


def results_in(run: dict[str, Any]) -> dict[tuple[str, tuple[int, int]], Result]:
    """Return the results of a run by name and size."""
    found = (Result(**{**one, "size": tuple(one["size"])}) for one in run["results"])
    return {(one.name, one.size): one for one in found}


def scatter_of(before: dict[Any, Result], after: dict[Any, Result]) -> float:
    """Return the largest change of a time of plain PyTorch, as a share; 0 if none was timed."""
    pairs = ((before[key].best("eager"), after[key].best("eager")) for key in before.keys() & after)
    return max((abs(new / old - 1) for old, new in pairs if old and new), default=0.0)


def rows_of(before: dict[Any, Result], after: dict[Any, Result]) -> tuple[list[str], bool]:
    """Return the rows of the table, and whether a row is slower or wrong."""
    bound, lines, bad = max(LEAST, 2 * scatter_of(before, after)), [], False
    for key in sorted(before.keys() & after):
        old, new, verdict, ratio = before[key].ours, after[key].ours, "", "-"
        if not (before[key].right and after[key].right):
            verdict, old, new = "WRONG", None, None
        elif old and new:
            ratio = f"{new / old:.2f}"
            verdict = "slower" if new / old > 1 + bound else ""
            verdict = "faster" if new / old < 1 - bound else verdict
        bad |= verdict in ("slower", "WRONG")
        times = " | ".join("-" if time is None else f"{time:.3f}" for time in (old, new))
        lines.append(f"| {key[0]} | {key[1][1]} x {key[1][0]} | {times} | {ratio} | {verdict} |")
    return lines, bad


def main() -> int:
    """Print the table; return 1 if something is slower, wrong or not comparable."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="JSON file of the run before the change")
    parser.add_argument("after", type=Path, help="JSON file of the run after it")
    given = parser.parse_args()
    runs = [json.loads(path.read_text()) for path in (given.before, given.after)]
    for name in SAME:
        values = [run.get(name) for run in runs]
        if values[0] != values[1]:
            print(f"runs with different {name} are not comparable: {values[0]} and {values[1]}")
            return 1
    before, after = map(results_in, runs)
    lines, bad = rows_of(before, after)
    print(f"commits: {runs[0].get('commit')} and {runs[1].get('commit')}, {runs[0].get('device')}; "
          f"plain PyTorch scatters by {scatter_of(before, after):.1%}\n")  # fmt: skip
    print("| | LR size | before, ms | after, ms | ratio | |\n|---|---|---|---|---|---|")
    print("\n".join(lines))
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
