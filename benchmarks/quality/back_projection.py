"""Measure how back-projection changes PSNR, agreement with the source, and time.

    python benchmarks/quality/back_projection.py DATA/Set14 --write FILE

PSNR is measured as in papers (`napari-sr evaluate`): on luma, without `scale` pixels of border. The
RMS is that of `napari_sr.check` on the same luma or colours, on a scale of 255. Networks with and
without correction run alternately on one image of 512 x 512 px; the time is the median of the
ratios, by PyTorch and, if it is installed, OpenVINO.
"""

from __future__ import annotations

import argparse
import statistics
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.commit import commit

from napari_sr import load, upscale
from napari_sr.atomic_write import atomic_write
from napari_sr.evaluation import imresize
from napari_sr.evaluation._images import luma_of
from napari_sr.evaluation.benchmark import Protocol, Result
from napari_sr.evaluation.sets import ImageSet
from napari_sr.zoo import consistent
from napari_sr.zoo.consistent import Consistent

if TYPE_CHECKING:
    from napari_sr.evaluation.sets import Pair
    from napari_sr.graph.network import Network

MODELS = (("fsrcnn", 2), ("edsr-slim", 2), ("fsrcnn", 4), ("edsr-slim", 4))


def made(network: Network, times: int) -> Network:
    """Return a network whose result is corrected `times` times."""
    consistent.TIMES = times
    return Consistent(network).eval() if times else network


def figures(network: Network, pairs: list[Pair]) -> tuple[float, float]:
    """Return the mean PSNR in dB, and the mean RMS of the difference from the source, of 255."""
    protocol = Protocol(options={"device": "cpu"})
    psnr, rms = [], []
    for pair in pairs:
        result = Result(network, pair, protocol)
        psnr.append(result.figure(protocol.judges[0]))
        source = protocol.entering(pair.lr, pair.white)
        if result.judged.ndim < source.ndim:
            source = luma_of(source)
        shrunk = imresize(result.judged, Fraction(1, network.scale))
        rms.append(255 * float(np.sqrt(((shrunk - source) ** 2).mean())))
    return statistics.mean(psnr), statistics.mean(rms)


def slower(plain: Network, other: Network, engine: str) -> float:
    """Return how many times as long the other network takes as the plain one."""
    image = np.random.default_rng(0).random((512, 512)).astype(np.float32)
    ratios = []
    for number in range(6):
        took = []
        for network in (plain, other):
            began = time.perf_counter()
            upscale(image, network, device="cpu", engine=engine)
            took.append(time.perf_counter() - began)
        if number:  # the first turn compiles
            ratios.append(took[1] / took[0])
    return statistics.median(ratios)


def main() -> None:
    """Measure all models, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of a benchmark set")
    parser.add_argument("--write", type=Path, help="file for the table")
    asked = parser.parse_args()
    lines = [
        "# Back-projection",
        "",
        f"`python benchmarks/quality/back_projection.py {asked.folder.name}`, {commit()}.",
        "",
        "| model | corrections | PSNR, dB | RMS of the difference from the source, of 255 | time, "
        "PyTorch | time, OpenVINO |",
        "|---|---|---|---|---|---|",
    ]
    for name, scale in MODELS:
        network, pairs = load(name, scale), list(ImageSet(asked.folder).pairs(scale))
        for times in (0, 1, 2, 3, 5, 10):
            other = made(network, times)
            psnr, rms = figures(other, pairs)
            timed = ["", ""]
            if times == 3:
                timed = [f"{slower(network, other, one):.1f} x" for one in ("torch", "openvino")]
            told = f"{name} x{scale} | {times} | {psnr:.3f} | {rms:.4f}"
            lines.append(f"| {told} | {' | '.join(timed)} |")
            print(lines[-1], flush=True)
    if asked.write is not None:
        with atomic_write(asked.write) as file:
            file.write(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
