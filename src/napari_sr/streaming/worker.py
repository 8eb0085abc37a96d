"""A worker process, which computes blocks for another process.

Each line of standard input is a JSON list of block numbers. Each line of standard output is JSON:
{"done": number} for a block that is on the disk, {"report": ...} at the end of a list, or
{"error": message} if a block cannot be computed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.runs.run import drive
from napari_sr.streaming.result import compute

if TYPE_CHECKING:
    from napari_sr.engine.planning.blocks import Block


def main(result: str, threads: str) -> int:
    """Compute the blocks whose numbers come on standard input; return the exit code.

    Parameters
    ----------
    result : str
        Folder of the unfinished result.
    threads : str
        Number of threads to compute with.
    """
    torch.set_num_threads(int(threads))
    # libraries may print to standard output, which is for answers: send that to standard error
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)

        def answer(**content: object) -> None:
            answers.write(f"{json.dumps(content)}\n")

        def finished(block: Block) -> None:
            answer(done=block.number)

        for line in sys.stdin:
            try:
                report = drive(compute(Path(result), json.loads(line), finished))
                answer(report=report.as_json())
            except (ValueError, OSError, OutOfMemoryError) as error:
                answer(error=str(error))
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
