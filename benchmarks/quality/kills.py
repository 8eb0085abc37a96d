"""Check that runs in blocks that are killed at random moments and resumed give the same bits.

    python benchmarks/quality/kills.py --kills 20

`napari-sr upscale` upscales a synthetic stack with time and channels (uint16, chunks of odd shapes)
into an OME-Zarr, once without interruption. Then the command is killed (SIGKILL) after a random
time and started again with --resume, several times; after the last kill, it runs to its end. All
files with pixels in both folders are compared. A kill after the last block is not counted: the
result is removed, and the next run starts again.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zarr

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first


def write_source(folder: Path) -> None:
    """Write a stack, (T, C, Z, Y, X), of waves."""
    shape = (2, 2, 3, 1100, 1301)
    y, x = np.indices(shape[-2:])
    array = zarr.create_array(folder / "0", shape=shape, chunks=(1, 1, 2, 333, 417), dtype="u2")
    for index in np.ndindex(shape[:3]):
        waves = np.sin(y / (9 + sum(index))) * np.cos(x / 7)
        array[index] = ((waves + 1) * 32000).astype(np.uint16)
    kinds = [("t", "time"), ("c", "channel"), *((name, "space") for name in "zyx")]
    axes = [{"name": name, "type": kind} for name, kind in kinds]
    scale = [{"type": "scale", "scale": [1.0, 1.0, 2.0, 0.5, 0.5]}]
    image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    attributes = {"ome": {"version": "0.5", "multiscales": [image]}}
    zarr.open_group(folder, mode="a", attributes=attributes)


def start(source: Path, target: Path, words: list[str]) -> subprocess.Popen[bytes]:
    """Start the command."""
    given = [sys.executable, "-m", "napari_sr", "upscale", source, target, *words]
    with target.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(given, stderr=log)


def succeed(source: Path, target: Path, words: list[str]) -> None:
    """Run the command to its end.

    Raises
    ------
    SystemExit
        If it fails.
    """
    check(start(source, target, words).wait(), target)


def check(code: int, target: Path) -> None:
    """Raise SystemExit with the command's messages if its exit code is not 0."""
    if code:
        raise SystemExit(f"a run failed: {target.with_suffix('.log').read_text()}")


def unfinished(result: Path) -> bool:
    """Return whether a result is unfinished or does not exist yet."""
    return (result / ".napari-sr" / "task.json").exists() or not result.exists()


def content(folder: Path) -> dict[str, bytes]:
    """Return the content of all files with pixels."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "zarr.json"
    }


def main() -> None:
    """Kill, resume and compare."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("words", nargs="*", help="options of the command, such as --workers 2")
    given, more = options.parse_known_args()
    words = ["--engine", "torch", "--device", "cpu", *given.words, *more]
    dice = random.Random(given.seed)
    folder = Path(tempfile.mkdtemp())
    try:
        write_source(folder / "in.zarr")
        began = time.monotonic()
        succeed(folder / "in.zarr", folder / "whole.zarr", words)
        whole = time.monotonic() - began
        done = 0
        while done < given.kills:
            process = start(folder / "in.zarr", folder / "out.zarr", [*words, "--resume"])
            time.sleep(dice.uniform(0, whole if done % 3 else whole / 3))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                done += unfinished(folder / "out.zarr")
            else:
                check(process.returncode, folder / "out.zarr")
            if not unfinished(folder / "out.zarr"):
                shutil.rmtree(folder / "out.zarr")  # the run ended before the kill: start again
        succeed(folder / "in.zarr", folder / "out.zarr", [*words, "--resume"])
        same = content(folder / "whole.zarr") == content(folder / "out.zarr")
        print(
            f"{done} kills, {len(content(folder / 'out.zarr'))} files, "
            f"{'all equal' if same else 'NOT EQUAL'}; commit {commit()}"
        )
        sys.exit(not same)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
