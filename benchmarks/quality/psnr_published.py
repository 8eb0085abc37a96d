"""Measure PSNR and SSIM on Set5 and Set14 of every available checkpoint, beside published figures.

    python benchmarks/quality/psnr_published.py FOLDER --write benchmarks/quality/psnr.md
    python benchmarks/quality/psnr_published.py FOLDER --only esrt fsrcnn

FOLDER contains `data`, with Set5 and Set14, and `weights`, with the checkpoints: as their authors
name them, or as `napari-sr prefetch --all --to FOLDER/weights` does. Those that are missing there
are named and left out.

The second decimal depends on where values are rounded, so each figure is repeated with its authors'
protocol:

* colour: 8-bit RGB is shrunk as MATLAB does; the result is rounded to 8-bit RGB, its luma is not;
* luma, as SRCNN's authors do: 8-bit luma is shrunk in floats; the luma of result and truth is
  rounded to 8 bits;
* floats, as LapSRN's authors do: RGB is shrunk in floats; chroma is enlarged bicubically; the
  result is rounded to 8-bit RGB, its luma is not.

The only grey image of Set14 counts as RGB. The last column shows the protocol of `napari-sr
evaluate`: 8-bit RGB is shrunk as MATLAB does, and the result is not rounded. The script runs at low
priority.

Symbols: N images, C channels, H x W pixels, S scale.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_sr import models, upscale
from napari_sr.evaluation import psnr, ssim
from napari_sr.evaluation.benchmark import Protocol, evaluate
from napari_sr.evaluation.sets import ImageSet, Pair
from napari_sr.layers.bt601 import LUMA_OF_BLACK, LUMA_OF_WHITE
from napari_sr.layers.colour import rgb_to_ycbcr
from napari_sr.layers.resize import imresize
from napari_sr.zoo import recognition
from napari_sr.zoo.checkpoint import read_checkpoint

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_sr.graph.network import Network

COLOUR, LUMA, FLOATS = "colour", "luma", "floats"
LARGEST, SHAVED = 60_000, 10
"""Largest number of pixels of a quarter of an image, and the overlap of quarters in pixels."""
ENOUGH = 0.02
"""Allowed difference from a published figure, in dB; published figures have two decimals."""


@dataclass(frozen=True)
class Check:
    """A checkpoint and its published figures."""

    file: str
    """Path below the folder of weights; "" for bicubic interpolation."""
    scale: int
    way: str
    """Protocol of rounding: "colour", "luma" or "floats"."""
    found: dict[str, tuple[float, float]]
    """PSNR in dB and SSIM, by set."""
    options: dict[str, Any] = field(default_factory=dict)
    """Constructor arguments that the file does not show."""
    quarters: bool = False
    """Whether the image is cut into overlapping quarters, as ESRT's authors do."""

    @property
    def sets(self) -> tuple[str, ...]:
        """Sets with published figures, and Set5."""
        return tuple(self.found) or ("Set5",)


CHECKS = (
    Check("", 2, COLOUR, {"Set5": (33.67, 0.9303)}),
    Check("", 4, COLOUR, {"Set5": (28.43, 0.8111)}),
    Check("srcnn/official_915_91_x2.mat", 2, LUMA, {"Set5": (36.34, 0.9521)}),
    Check("srcnn/official_915_91_x4.mat", 4, LUMA, {"Set5": (30.08, 0.8530)}),
    Check("srcnn/official_955_ImageNet_x2.mat", 2, LUMA, {"Set5": (36.66, 0.9542)}),
    Check("srcnn/official_955_ImageNet_x4.mat", 4, LUMA, {"Set5": (30.48, 0.8628)}),
    Check("fsrcnn/fsrcnn_x2.npz", 2, LUMA, {"Set5": (37.01, 0.9561)}),
    Check("fsrcnn/fsrcnn_x4.npz", 4, LUMA, {"Set5": (30.46, 0.8599)}),
    Check("lapsrn/LapSRN_x2.mat", 2, FLOATS, {"Set5": (37.52, 0.9591)}),
    Check("lapsrn/LapSRN_x4.mat", 4, FLOATS, {"Set5": (31.54, 0.8865)}),
    Check("lapsrn/twtygqyy_x4.npz", 4, FLOATS, {"Set5": (31.65, 0.8889)}),
    Check("srgan/leftthomas_netG_epoch_4_100.pth", 4, COLOUR,
          {"Set5": (30.46, 0.8571), "Set14": (27.65, 0.7499)}),
    Check("imdn/IMDN_x2.pth", 2, COLOUR, {"Set5": (38.00, 0.9605), "Set14": (33.63, 0.9177)}),
    Check("imdn/IMDN_x4.pth", 4, COLOUR, {"Set5": (32.21, 0.8948), "Set14": (28.58, 0.7811)}),
    Check("imdn/ntire2022_imdn_baseline.pth", 4, COLOUR,
          {"Set5": (32.25, 0.8959), "Set14": (28.69, 0.7839)}),
    Check("rfdn/RFDN_AIM.pth", 4, COLOUR, {"Set5": (32.16, 0.8946), "Set14": (28.65, 0.7825)}),
    Check("bsrn/net_g_BSRN_x2.pth", 2, COLOUR,
          {"Set5": (38.08, 0.9608), "Set14": (33.73, 0.9193)}),
    Check("bsrn/net_g_BSRN_x4.pth", 4, COLOUR,
          {"Set5": (32.35, 0.8965), "Set14": (28.74, 0.7847)}),
    Check("bsrn/net_g_BSRN-S.pth", 4, COLOUR,
          {"Set5": (32.16, 0.8949), "Set14": (28.63, 0.7820)}),
    Check("esrt/fork_ESRT_x2_epoch_20.pth", 2, COLOUR, {"Set5": (36.89, 0.9561)}, quarters=True),
    Check("drcn/drcn_F96_D9_x2_extracted.npz", 2, LUMA, {"Set5": (37.35, 0.9577)}),
    Check("drrn/drrn_b1u9.npz", 2, LUMA, {"Set5": (33.75, 0.9309)}, {"units": 9}),
    Check("drrn/drrn_b1u9.npz", 4, LUMA, {"Set5": (28.44, 0.8109)}, {"units": 9}),
)  # fmt: skip
"""All published figures for files that we have, measured with the reference code of each file."""
UNMEASURED = (
    Check("srcnn/official_915_ImageNet_x3.mat", 3, LUMA, {}),
    Check("srcnn/nt_SRCNN-915.pt", 2, COLOUR, {}),
    Check("srcnn/nt_SRCNN-935.pt", 2, COLOUR, {}),
    Check("srcnn/nt_SRCNN-955.pt", 2, COLOUR, {}),
    Check("fsrcnn/fsrcnn_x3.npz", 3, LUMA, {}),
    Check("fsrcnn/nt_FSRCNN-x2.pt", 2, COLOUR, {}),
    Check("fsrcnn/nt_FSRCNN-x4.pt", 4, COLOUR, {}),
    Check("espcn/espcn_x3.npz", 3, LUMA, {}),
    Check("espcn/nt_ESPCN-x2.pt", 2, COLOUR, {}),
    Check("espcn/nt_ESPCN-x4.pt", 4, COLOUR, {}),
    *(Check("lapsrn/MSLapSRN_D5R2.mat", s, FLOATS, {}, {"recursions": 2}) for s in (2, 3, 4)),
    *(Check("lapsrn/MSLapSRN_D5R5.mat", s, FLOATS, {}, {"recursions": 5}) for s in (2, 3, 4)),
)
"""Files without such a measurement; `napari-sr evaluate` shows what their authors published."""
PREFETCHED = {
    "srcnn/official_955_ImageNet_x2.mat": "srcnn-x2.mat",
    "srcnn/official_955_ImageNet_x4.mat": "srcnn-x4.mat",
    "srcnn/official_915_ImageNet_x3.mat": "srcnn-x3.mat",
    "lapsrn/LapSRN_x2.mat": "lapsrn-x2.mat",
    "lapsrn/LapSRN_x4.mat": "lapsrn-x4.mat",
    "lapsrn/MSLapSRN_D5R5.mat": "mslapsrn-d5r5.mat",
    "srgan/leftthomas_netG_epoch_4_100.pth": "srgan-x4.pth",
    "imdn/IMDN_x2.pth": "imdn-x2.pth",
    "imdn/IMDN_x4.pth": "imdn-x4.pth",
    "imdn/ntire2022_imdn_baseline.pth": "imdn-ntire-x4.pth",
    "rfdn/RFDN_AIM.pth": "rfdn-x4.pth",
    "bsrn/net_g_BSRN_x2.pth": "bsrn-x2.pth",
    "bsrn/net_g_BSRN_x4.pth": "bsrn-x4.pth",
    "bsrn/net_g_BSRN-S.pth": "bsrn-s-x4.pth",
    "esrt/fork_ESRT_x2_epoch_20.pth": "esrt-x2.pth",
}
"""Names that `napari-sr prefetch` gives to files, by the names of their authors."""


def file_of(check: Check, weights: Path) -> Path | None:
    """Return the checkpoint of a check, or None if the folder of weights lacks it."""
    names = check.file, PREFETCHED.get(check.file, check.file)
    return next((weights / name for name in names if (weights / name).exists()), None)


def load(check: Check, weights: Path) -> Network:
    """Build the network of a check, whose file must exist."""
    if not check.file:
        record = models.architecture("interpolation")
        return record.network(scale=check.scale, method="bicubic").eval()
    state = read_checkpoint(file_of(check, weights) or weights / check.file)
    return recognition.build(state, scale=check.scale, **check.options)


def rounded(image: Tensor) -> Tensor:
    """Round 0..1 to 8 bits."""
    return (image.clamp(0, 1) * 255).round() / 255


def luma(image: Tensor) -> Tensor:
    """Return the luma, (1, 1, H, W), of an RGB image, (1, 3, H, W)."""
    return rgb_to_ycbcr(image)[:, :1]


def whole(image: Tensor, network: Network) -> Tensor:
    """Upscale RGB or luma, (1, C, H, W), with our engine, in float32."""
    spans = (LUMA_OF_BLACK, LUMA_OF_WHITE) if image.shape[1] == 1 else None
    pixels = image[0].movedim(0, 2).numpy()
    how = {"device": "cpu", "outliers": "keep", "border": "zeros"}  # as authors do
    result = upscale(pixels, network, axes="YXC", value_range=spans, **how)
    return torch.from_numpy(result).movedim(2, 0)[None]


def in_quarters(image: Tensor, network: Network) -> Tensor:
    """Upscale overlapping quarters, which are cut again if too large, as ESRT's authors do."""
    height, width = image.shape[-2:]
    rows, columns, scale = height // 2, width // 2, network.scale
    tall, wide = rows + SHAVED, columns + SHAVED
    result = image.new_zeros(*image.shape[:2], height * scale, width * scale)
    for below in (False, True):
        for right in (False, True):
            top, left = (height - tall) * below, (width - wide) * right
            piece = image[..., top : top + tall, left : left + wide]
            quarter = (whole if tall * wide < LARGEST else in_quarters)(piece, network)
            keep_rows = slice(rows if below else 0, height if below else rows)
            keep_columns = slice(columns if right else 0, width if right else columns)
            part = quarter[
                ...,
                (keep_rows.start - top) * scale : (keep_rows.stop - top) * scale,
                (keep_columns.start - left) * scale : (keep_columns.stop - left) * scale,
            ]
            result[
                ...,
                keep_rows.start * scale : keep_rows.stop * scale,
                keep_columns.start * scale : keep_columns.stop * scale,
            ] = part
    return result


def as_tensor(pixels: np.ndarray[Any, Any]) -> Tensor:
    """Return an 8-bit image, (H, W) or (H, W, 3), as (1, 3, H, W) in 0..1."""
    colour = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return torch.from_numpy(colour / 255).movedim(2, 0)[None]


def judged(
    pair: Pair, network: Network, way: str, run: Callable[[Tensor, Network], Tensor]
) -> tuple[float, float]:
    """Return PSNR and SSIM of one image, with one protocol of rounding."""
    hr, truth = as_tensor(pair.hr), luma(as_tensor(pair.hr))
    if way == COLOUR:
        result = luma(rounded(run(as_tensor(pair.lr), network)))
    elif way == FLOATS:
        result = luma(rounded(run(imresize(hr, Fraction(1, network.scale)), network)))
    else:
        shrunk = imresize(rounded(luma(hr)), Fraction(1, network.scale))
        result, truth = rounded(run(shrunk, network)), rounded(truth)
    images = (result[0, 0].double().numpy(), truth[0, 0].numpy())
    return psnr(*images, border=network.scale), ssim(*images, border=network.scale)


def lines(check: Check, shared: Path) -> list[str]:
    """Return the table's rows of a check: one for each set."""
    network = load(check, shared / "weights")
    run = in_quarters if check.quarters else whole
    rows = []
    for name in check.sets:
        images = ImageSet(shared / "data" / name)
        values = [judged(pair, network, check.way, run) for pair in images.pairs(check.scale)]
        here = tuple(np.mean(values, axis=0))
        usual = evaluate(network, images, protocol=Protocol(grey_as_rgb=True))
        others = check.found.get(name)
        far = here[0] - others[0] if others else 0.0
        cells = (
            check.file or "bicubic", f"x{check.scale}", name,
            check.way + (", in quarters" if check.quarters else ""),
            "{:.2f} / {:.4f}".format(*others) if others else "-",
            "{:.3f} / {:.4f}".format(*here),
            f"{far:+.3f}{'' if abs(far) <= ENOUGH else ' **FAR**'}" if others else "-",
            f"{usual.psnr:.3f} / {usual.ssim:.4f}",
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def heading() -> str:
    """Return the command, versions and date, and the head of the table."""
    return "\n".join(
        [
            "# PSNR and SSIM of every checkpoint, beside published figures",
            "",
            f"`python benchmarks/quality/psnr_published.py FOLDER`, "
            f"{time.strftime('%Y-%m-%d')}, commit {commit()}, torch {torch.__version__}, "
            f"numpy {np.__version__}, {platform.machine()}, CPU, float32.",
            "",
            "| checkpoint | scale | set | rounded as | others | here | difference, dB | usual |",
            "|---|---|---|---|---|---|---|---|",
        ]
    )


def main() -> None:
    """Print the table line by line, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shared", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    os.nice(10)
    table = [heading()]
    print(table[0], flush=True)
    for check in CHECKS + UNMEASURED:
        if any(word in (check.file or "bicubic") for word in given.only):
            if check.file and file_of(check, given.shared / "weights") is None:
                print(f"left out: {given.shared}/weights lacks {check.file}", file=sys.stderr)
                continue
            table += lines(check, given.shared)
            print("\n".join(table[-len(check.sets) :]), flush=True)
            if given.write:
                given.write.write_text("\n".join(table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
