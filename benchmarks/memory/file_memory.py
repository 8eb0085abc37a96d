"""Measure the peak memory of the command line for a file, compared with its pixels and result.

    python benchmarks/memory/file_memory.py [--side 3000]

For each format, a separate process upscales a file of 8-bit grey x2 by bilinear interpolation. The
operating system reports the peak memory; the peak for a small image is subtracted. Linux only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from napari_sr.files import formats
from napari_sr.files.image import ImageFile

NAMES = ("plain.tif", "packed.tif", "image.png", "image.jpg")
RUN = "import sys; from napari_sr.cli.app import main; sys.argv[1:] = {arguments}; main()"


def peak(source: Path, target: Path) -> int:
    """Return the peak memory of one run of the command line, in bytes."""
    arguments = ["upscale", str(source), str(target), "--model", "bilinear", "--scale", "2"]
    code = "import resource, sys\ntry:\n    " + RUN.format(arguments=arguments)
    code += "\nfinally:\n    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    return 1024 * int(run.stdout)


def image_file(folder: Path, name: str, side: int) -> Path:
    """Write a file of smooth noise, and return its path."""
    pixels = np.add.outer(np.arange(side), np.arange(side)).astype(np.uint8)
    path = folder / f"{side}-{name}"
    packed = "ADOBE_DEFLATE" if name.startswith("packed") else None
    formats.write(path, ImageFile(pixels, "YX", compression=packed))
    return path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=3000)
    side = parser.parse_args().side
    print("| file | pixels, MiB | result, MiB | peak beyond a small image's, MiB | of both |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in NAMES:
            small, large = (
                peak(image_file(folder, kind, size), folder / f"out-{size}-{kind}")
                for size in (64, side)
            )
            pixels, beyond = side**2, large - small
            ratio = beyond / (5 * pixels)
            print(
                f"| {kind} | {pixels / 2**20:.1f} | {4 * pixels / 2**20:.1f} "
                f"| {beyond / 2**20:.0f} | {ratio:.2f} |"
            )


if __name__ == "__main__":
    main()
