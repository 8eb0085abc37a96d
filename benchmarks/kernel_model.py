"""What the kernels can gain: bytes, operations and the least time, per op and per network.

    python benchmarks/kernel_model.py [--write FILE]

Arithmetic only; nothing here has been measured on a GPU. Networks run on tensors without data, and
every operator is written down with what it reads and writes: once in plain PyTorch, as a GPU runs
it eagerly, and once with our ops, which go through all that they do but their kernels: a launch
that an op makes is a kernel here, and so is a tensor that it copies first. An op's bytes and
operations are those of its own record.

Model, for a kernel: the longest of bytes / bandwidth, matrix operations / matrix rate and vector
instructions / vector rate, and 1 us between kernels. Eager waits for the CPU too, 5 us a kernel.
A bias in eager PyTorch costs a kernel of its own wherever cuDNN computes the convolution. Caches
are left out, so a small image may run faster than this says.

Letters: N images, C features, H x W pixels of the image that enters, S scale.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from triton.runtime.interpreter import GridExecutor
from triton.runtime.jit import JITFunction

import sr_kernels
from napari_sr import models
from napari_sr.engine.memory import _Tracer, ghost
from sr_kernels import _op

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.models._network import Network

SCALE = 4
SIZES = {"320 x 180": (180, 320), "256 x 256": (256, 256), "510 x 339": (339, 510),
         "2048 x 2048": (2048, 2048)}  # fmt: skip
LAUNCH = 5e-6
"""Seconds for which eager PyTorch occupies the CPU for every kernel."""
GAP = 1e-6
"""Seconds from the end of a kernel to the start of the next, in a CUDA graph."""
INSTRUCTIONS = {"gelu": 33, "sigmoid": 8, "leaky_relu": 2, "mean": 1}
"""Of one element, where not 1; GELU by the error function."""
FUSED_ACTIVATIONS = {"gelu": 21, "leaky_relu": 2, "relu": 1, "hard_swish": 5}
"""Instructions of the kernels' own; GELU by Abramowitz and Stegun's 7.1.26."""
ACTIVATED = {"esdb_tail": 1.5}
"""How many elements an op activates for each of its result, where not one."""
FINISHING = {"bsconv": 11, "esa_tail": 15, "esa_moments": 20, "esa_mix": 17, "esa_pool": 2,
             "conv3x3": 3, "pointwise_sum": 2}  # fmt: skip
"""Instructions of an op for each element of its (first) result, beside matrices and activation:
nine taps, bias and residual; ESA's interpolation, of a quarter as many, and sigmoid."""
WITHOUT_MATRICES = (
    "contrast_gate", "depthwise_gelu", "gated_residual", "pixel_shuffle_add", "plane_moments",
)  # fmt: skip


@dataclass(frozen=True)
class Card:
    """What a GPU can do at best, all in units per second."""

    name: str
    bandwidth: float
    matrix: float
    """Half-precision matrix operations, two for each multiply-add."""
    vector: float
    """Float32 instructions; a multiply-add is one."""


CARDS = (
    Card("H100 (SXM)", 3.0e12, 800e12, 29e12),
    # 3072 lanes and 96 matrix units at about 2 GHz, 128-bit GDDR6; data sheet, not measured
    Card("RTX 4060 Laptop", 256e9, 25e12, 6.1e12),
)


@dataclass(frozen=True)
class Kernel:
    """One launch: what it moves and computes."""

    name: str
    bytes: float
    matrix: float = 0.0
    vector: float = 0.0
    given: float = 0.0
    """Bytes of an op's arguments and results, each once."""
    own: bool = False
    """Whether it is a kernel of ours."""

    def seconds(self, card: Card) -> float:
        """Return the least time on a card."""
        return max(
            self.bytes / card.bandwidth, self.matrix / card.matrix, self.vector / card.vector
        )


class Counter(TorchDispatchMode):
    """Writes down a `Kernel` for every operator that is more than a view, and every launch."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []
        self._launches = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.namespace == "napari_sr":
            return self._op(func.overloadpacket.__name__, args)
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        # what is said to be a view may be a copy, as `contiguous` is where it has to
        if "empty" not in name and not (func.is_view and _shares(args, result)):
            moved = sum(leaf.nbytes for leaf in tree_leaves((args, result)) if _is_tensor(leaf))
            if name in ("conv2d", "convolution"):
                self._convolution(moved, result, *args)
            else:
                work = result.numel() * INSTRUCTIONS.get(name, 1)
                self.kernels.append(Kernel(name, moved, vector=work))
        return result

    def _op(self, name: str, args: Any) -> Any:
        """Go through an op's launch, and write down its kernels after all that it copied."""
        op, self._launches = sr_kernels.op(name), 0
        with self:
            results = op.launch(*args)
        given = {id(leaf): leaf for leaf in tree_leaves((args, results)) if _is_tensor(leaf)}
        first = op_kernel(name, args, results, sum(leaf.nbytes for leaf in given.values()))
        rest = [Kernel(name, 0, own=True)] * (self._launches - 1)
        self.kernels += [first, *rest]
        return results

    def launch(self, *_: Any, **__: Any) -> None:
        """Stand in for a kernel."""
        self._launches += 1

    def _convolution(
        self, moved: int, result: Tensor, x: Tensor, weight: Tensor,
        bias: Tensor | None = None, *options: Any,
    ) -> None:  # fmt: skip
        multiply_adds = result.numel() * weight[0].numel()
        if weight.shape[1] == 1 and x.shape[1] > 1:
            self.kernels.append(Kernel("depthwise", moved, vector=multiply_adds))
            return
        self.kernels.append(Kernel("conv2d", moved, matrix=2 * multiply_adds))
        if bias is not None:
            self.kernels.append(Kernel("bias", 2 * result.nbytes, vector=result.numel()))


def _is_tensor(leaf: object) -> bool:
    return isinstance(leaf, Tensor)


def _shares(arguments: Any, results: Any) -> bool:
    """Return whether all results lie in the memory of the arguments."""
    given, made = (
        {leaf.untyped_storage()._cdata for leaf in tree_leaves(tree) if _is_tensor(leaf)}
        for tree in (arguments, results)
    )
    return made <= given


def op_kernel(name: str, arguments: Any, results: Any, given: float = 0.0) -> Kernel:
    """Return an op's work: on matrix units all that is a matrix, and in vectors what follows it."""
    op = sr_kernels.op(name)
    result, *_ = tree_leaves(results)
    after = FINISHING.get(name, 0)
    # the activation is an argument of those that have one
    after += ACTIVATED.get(name, 1) * sum(
        FUSED_ACTIVATIONS.get(word, 0) for word in arguments if isinstance(word, str)
    )
    vector, matrix = result.numel() * after, op.flops(*arguments)
    if name in WITHOUT_MATRICES:
        vector, matrix = vector + matrix, 0
    if name == "bsconv":
        # the matrix twice: four products for two columns; the stencil is no matrix
        pointwise = arguments[1]
        matrix = 4 * result[:, :1].numel() * pointwise.numel()
    return Kernel(name, op.bytes_moved(*arguments), matrix, vector, given, own=True)


def eager(call: Callable[..., object], *planes: tuple[int, ...]) -> list[Kernel]:
    """Return the kernels of a call in plain PyTorch on half-precision tensors of these shapes."""
    inputs = [torch.empty(shape, device="meta", dtype=torch.half) for shape in planes]
    with torch.inference_mode(), Counter() as counter:
        call(*inputs)
    return counter.kernels


def fused(call: Callable[..., object], *planes: tuple[int, ...]) -> list[Kernel]:
    """Return the same with our ops."""
    inputs = [torch.empty(shape, device="meta", dtype=torch.half) for shape in planes]
    counter = Counter()
    with (
        mock.patch.object(_op, "runs_fused", lambda *tensors: True),
        mock.patch.object(JITFunction, "run", counter.launch),
        mock.patch.object(GridExecutor, "__call__", counter.launch),
        torch.inference_mode(),
        counter,
    ):
        call(*inputs)
    return counter.kernels


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the most bytes of tensors alive during a call, weights left out."""
    tracer = _Tracer()
    with torch.inference_mode(), tracer:
        call()
    return int(tracer.peak)


def network_of(name: str) -> Network:
    """Return a network without data, as it lies on a GPU."""
    made = models.architecture(name).network(scale=SCALE).eval().half()
    return ghost(made.to(memory_format=torch.channels_last))


KNOWN = {"bsrn": (666, 90_339, 19_204), "rfdn": (825, 28_289, 6_710), "imdn": (1420, 33_288, 9_702)}
"""kFLOP, eager and fused bytes per pixel as counted before this model, by other assumptions."""
NAMES = ("bsrn", "bsrn_s", "rfdn", "imdn")


def seconds(kernels: list[Kernel], card: Card, *, launch: float = 0.0) -> float:
    """Return the least time of kernels in a row, each of which the CPU launches for so long."""
    device = sum(kernel.seconds(card) + GAP for kernel in kernels)
    return max(device, launch * len(kernels))


def in_all(kernels: list[Kernel]) -> tuple[float, float]:
    """Return the bytes and the matrix operations of kernels."""
    return sum(kernel.bytes for kernel in kernels), sum(kernel.matrix for kernel in kernels)


def op_rows(channels: int = 64) -> list[str]:
    """Return a table row for each op, on a whole image of the model's largest size."""
    height, width = SIZES["2048 x 2048"]
    pixels, card = height * width, CARDS[0]
    rows = []
    for name in sr_kernels.names():
        op = sr_kernels.op(name)
        with torch.device("meta") as device:  # random values, too, are made of nothing
            inside = channels // 4 if name == "esa_pool" else channels
            arguments = op.example((1, inside, height, width), torch.half, device)
        with torch.inference_mode(), Counter() as counter:
            results = op.reference(*arguments)
        ours = op_kernel(name, arguments, results)
        slow, fast = seconds(counter.kernels, card), seconds([ours], card)
        rows.append(
            f"| {name} | {len(counter.kernels)} | {in_all(counter.kernels)[0] / pixels:.0f} "
            f"| {ours.bytes / pixels:.0f} | {op.flops(*arguments) / pixels / 1e3:.2f} "
            f"| {slow * 1e3:.2f} | {fast * 1e3:.2f} | {slow / fast:.1f} |"
        )
    return rows


def network_rows(card: Card) -> list[str]:
    """Return a table row for each network and size."""
    rows = []
    for name in NAMES:
        network = network_of(name)
        for size, (height, width) in SIZES.items():
            slow = eager(network, (1, network.channels, height, width))
            fast = fused(network, (1, network.channels, height, width))
            times = (
                seconds(slow, card, launch=LAUNCH), seconds(slow, card), seconds(fast, card),
            )  # fmt: skip
            rows.append(
                f"| {name} | {size} | {times[0] * 1e3:.2f} | {times[1] * 1e3:.2f} "
                f"| {times[2] * 1e3:.2f} | {times[0] / times[2]:.1f} |"
            )
    return rows


def count_rows() -> list[str]:
    """Return a table row of kernels, bytes and operations for each network, at 320 x 180."""
    height, width = SIZES["320 x 180"]
    rows = []
    for name in NAMES:
        network = network_of(name)
        slow = eager(network, (1, network.channels, height, width))
        fast = fused(network, (1, network.channels, height, width))
        work = in_all(slow)[1] + sum(
            2 * kernel.vector for kernel in slow if kernel.name == "depthwise"
        )
        pixels = height * width
        known = [f"{number:,}" for number in KNOWN[name]] if name in KNOWN else ["-"] * 3
        peaks = [
            peak_bytes(partial(run, network, (1, network.channels, height, width))) / pixels
            for run in (eager, fused)
        ]
        rows.append(
            f"| {name} | {work / pixels / 1e3:.0f} ({known[0]}) | {len(slow)} "
            f"| {in_all(slow)[0] / pixels:,.0f} ({known[1]}) | {len(fast)} "
            f"| {in_all(fast)[0] / pixels:,.0f} ({known[2]}) | {peaks[0]:,.0f} | {peaks[1]:,.0f} |"
        )
    return rows


def share_rows() -> list[str]:
    """Return a table row for each kind of kernel in the fused BSRN, largest first."""
    height, width = SIZES["2048 x 2048"]
    network = network_of("bsrn")
    kernels = fused(network, (1, network.channels, height, width))
    kinds: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        kinds.setdefault(kernel.name if kernel.own else f"PyTorch's {kernel.name}", []).append(
            kernel
        )
    card, pixels, whole = CARDS[0], height * width, seconds(kernels, CARDS[0])
    rows = []
    for kind, group in sorted(kinds.items(), key=lambda pair: -seconds(pair[1], card)):
        floors = [kernel.seconds(card) for kernel in group]
        moving = sum(kernel.bytes for kernel in group) / card.bandwidth
        rows.append(
            f"| {kind} | {len(group)} | {in_all(group)[0] / pixels:,.0f} "
            f"| {sum(floors) * 1e3:.2f} | {moving / sum(floors):.0%} "
            f"| {seconds(group, card) / whole:.0%} |"
        )
    return rows


def table(header: str, rows: list[str]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [header, "|---" * (header.count("|") - 1) + "|", *rows, ""]


def report() -> str:
    """Return all tables."""
    lines = [
        "# What the kernels can gain, by arithmetic",
        "",
        f"By `python benchmarks/kernel_model.py`, whose docstring states the model; x{SCALE}, half "
        "precision. Nothing here was measured on a GPU.",
        "",
        "Per LR pixel; in brackets an earlier count by other assumptions (the blocks' outputs "
        "concatenated and fused at the end, not accumulated block by block):",
        "",
        *table(
            "| network | kFLOP | kernels, eager | bytes, eager | kernels, fused | bytes, fused "
            "| most bytes alive, eager | fused |",
            count_rows(),
        ),
    ]
    for card in CARDS:
        lines += [
            f"{card.name}: {card.bandwidth / 1e12:.3g} TB/s, {card.matrix / 1e12:.0f} TFLOP/s "
            f"of matrices, {card.vector / 1e12:.3g} T float32 instructions/s:",
            "",
            *table(
                "| network | LR size | eager, ms | in a CUDA graph, ms | fused, ms | gain |",
                network_rows(card),
            ),
        ]
    lines += [
        f"Where the fused bsrn's time goes on {CARDS[0].name}, 2048 x 2048; what does not move "
        "bytes computes:",
        "",
        *table(
            "| kernel | launches | bytes per pixel | ms | of it bytes | share of the network |",
            share_rows(),
        ),
        f"Each op on {CARDS[0].name}, 64 channels (esa_pool 16), 2048 x 2048, by its own "
        "`bytes_moved` and `flops`, against its reference in eager PyTorch:",
        "",
        *table(
            "| op | kernels, eager | bytes per pixel, eager | fused | kFLOP per pixel "
            "| eager, ms | fused, ms | gain |",
            op_rows(),
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables, and keep them where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="where to keep the tables")
    arguments = parser.parse_args()
    text = report()
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
