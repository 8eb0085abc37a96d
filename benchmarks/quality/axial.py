"""Is a network better than interpolation along Z? Stacks are binned along Z, and enlarged again.

    python benchmarks/quality/axial.py PACKAGES --write benchmarks/quality/axial.md

PACKAGES is the folder of unpacked packages that `real_images.py` describes. Five stacks are
averaged over 2 or 4 neighbouring planes. They are enlarged along Z by cubic interpolation, and by
networks through the planes XZ and YZ, as *Enlarge Z* does. PSNR is that of the whole stack, after
the best linear fit, against the stack before it was averaged. The real stacks have noise, also in
the truth: a network that removes it loses PSNR. `synthetic` has none.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter

import napari_sr
from napari_sr.engine.image.arrays import layout_of
from napari_sr.engine.image.axial import enlarge_z
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.axial_network import along_z, of_stack
from napari_sr.runs.run import drive

sys.path.insert(0, str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Enlarge = Callable[[NDArray[np.float32], int], NDArray[np.float32]]

MODELS = ("fsrcnn", "edsr-slim", "micrograph")
FACTORS = (2, 4)
STACKS = {
    "tomogram": ("tomo.tif", slice(0, 96), slice(0, 64)),
    "nuclei": ("sample_images/nuclei.tif", slice(0, 56), slice(64, 160)),
    "small nuclei": ("data/images/img3d.tif", slice(0, 28), slice(0, 60)),
    "spots": ("img_synth_3d.tif", slice(0, 32), slice(0, 64)),
}
"""End of the path, planes, and rows and columns of each real stack."""
SIDE, SMOOTH = 64, (2.0, 1.2)
"""Side of the synthetic stack, and the smoothing of its shapes and of their edges, in pixels."""


def synthetic() -> NDArray[np.float32]:
    """Return blurred random shapes, (Z, Y, X), equal along all axes."""
    noise = np.random.default_rng(0).normal(size=(SIDE,) * 3)
    shapes = gaussian_filter(noise, SMOOTH[0]) > 0
    found: NDArray[np.float32] = gaussian_filter(shapes.astype(np.float32), SMOOTH[1])
    return found


def stacks(packages: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield name and pixels of each stack."""
    for name, (end, planes, sides) in STACKS.items():
        path = next(one for one in sorted(packages.rglob("*.tif")) if str(one).endswith(end))
        yield name, tifffile.imread(path)[planes, sides, sides].astype(np.float32)
    yield "synthetic", synthetic()


def cubic(stack: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Enlarge a stack along Z by interpolation."""
    return enlarge_z(stack, 0, Fraction(factor), np.dtype(np.float32))


def by_network(model: str, stack: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Enlarge a stack along Z with a network x2, and the rest by interpolation."""
    low, high = np.percentile(stack, (0.1, 99.9))
    settings = Settings(device="cpu", engine="torch", value_range=(float(low), float(high)))
    network = napari_sr.load(model, 2)
    layout = layout_of(stack.shape, stack.dtype, "ZYX")
    planes = drive(along_z(of_stack(stack, layout, network, settings)))
    return enlarge_z(planes, 0, Fraction(factor, network.scale), np.dtype(np.float32))


def fitted_psnr(result: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the PSNR in dB after the best linear fit; the peak is the truth's range."""
    slope, offset = np.polyfit(result.ravel().astype(float), truth.ravel().astype(float), 1)
    error = np.mean((slope * result.astype(float) + offset - truth) ** 2)
    return float(20 * np.log10(np.ptp(truth) / np.sqrt(error)))


def rows(packages: Path) -> Iterator[list[str]]:
    """Yield a row of the table for each stack and factor; the best figure is bold."""
    ways: dict[str, Enlarge] = {"cubic": cubic}
    ways |= {model: partial(by_network, model) for model in MODELS}
    for name, stack in stacks(packages):
        for factor in FACTORS:
            truth = stack[: len(stack) // factor * factor]
            binned = truth.reshape(-1, factor, *truth.shape[1:]).mean(axis=1)
            found = [fitted_psnr(way(binned, factor), truth) for way in ways.values()]
            best = max(found)
            figures = [f"**{one:.2f}**" if one == best else f"{one:.2f}" for one in found]
            print(name, factor, figures, flush=True)
            yield [name, str(factor), *figures]


def main() -> None:
    """Read the command line; measure and print, or write a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="folder of unpacked packages")
    parser.add_argument("--write", type=Path, help="write the table to this Markdown file")
    given = parser.parse_args()
    head = ["stack", "planes averaged", "cubic", *MODELS]
    table = [head, ["---"] * len(head), *rows(given.packages)]
    lines = [f"| {' | '.join(row)} |" for row in table]
    text = "\n".join(
        ["# Z by interpolation and by networks", "",
         f"`benchmarks/quality/axial.py` at {commit()}. Its first lines say what was measured.",
         "PSNR in dB:", "", *lines, ""]
    )  # fmt: skip
    if given.write is not None:
        given.write.write_text(text)


if __name__ == "__main__":
    main()
