"""Forecast how much faster kernels are: bytes, operations and least time, per op and network.

    python benchmarks/gpu/kernel_model.py [--write FILE]

This is arithmetic only; nothing here has been measured on a GPU. Networks run on tensors without
data, and the bytes that every operator reads and writes are recorded: once in plain PyTorch, as a
GPU runs it eagerly, and once with our ops. Our ops run without launching their kernels. Each launch
counts as a kernel, and so does each tensor that an op copies first. The bytes of an op are those in
its record.

The time of a PyTorch kernel is the maximum of bytes / bandwidth, matrix operations / matrix rate
and vector instructions / vector rate. Our kernels are compiled for the card, and their machine code
is counted (machine_code.py). Their time is the maximum of bytes / bandwidth, bytes that bypass
L1 / bandwidth of L2, and the clocks of the multiprocessor with the most programs: for issuing
instructions, shared memory, matrices and transfers to L2. Between kernels, 1 us is added. Eager
PyTorch also waits for the CPU, 5 us per kernel, and a bias costs an additional kernel if cuDNN
computes the convolution. The model leaves out latency, bank conflicts, and caches that can contain
a whole small image.

Symbols: N images, C features, H x W pixels of the network's input, S scale.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from compiling import compiling
from counted import example
from machine_code import Launch, launch_of
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from triton.runtime.interpreter import GridExecutor
from triton.runtime.jit import JITFunction

import sr_kernels
from napari_sr import models
from napari_sr.engine.planning.memory import _Tracer, meta_copy
from sr_kernels import _op

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sr.graph.network import Network

SCALE = 4
SIZES = {"320 x 180": (180, 320), "256 x 256": (256, 256), "510 x 339": (339, 510),
         "2048 x 2048": (2048, 2048)}  # fmt: skip
LAUNCH = 5e-6
"""CPU time of eager PyTorch for every kernel, in seconds."""
GAP = 1e-6
"""Seconds from the end of a kernel to the start of the next, in a CUDA graph."""
INSTRUCTIONS = {"gelu": 33, "sigmoid": 8, "leaky_relu": 2, "mean": 1}
"""Instructions per element, if not 1; GELU is computed with the error function."""


@dataclass(frozen=True)
class Card:
    """Peak rates of a GPU, in units per second unless another unit is given."""

    name: str
    architecture: str
    bandwidth: float
    """Bytes to and from memory."""
    cache: float
    """Bytes to and from L2."""
    matrix: float
    """Half-precision matrix operations, two for each multiply-add."""
    narrow_matrix: float
    """Matrix operations by mma.sync; `matrix` is by wgmma, if the card has it."""
    processors: int
    """Number of multiprocessors; each starts 128 instructions per clock."""
    clock: float

    @property
    def vector(self) -> float:
        """Instructions, each for one element."""
        return 128 * self.processors * self.clock


CARDS = (
    # mma.sync reaches 62 % of wgmma: Luo et al., 2024, https://arxiv.org/abs/2402.13499
    Card("H100 (SXM)", "sm_90", 3.0e12, 5.6e12, 800e12, 500e12, 132, 1.755e9),
    # 96 matrix units, 128-bit GDDR6, 2 KB from L2 per clock; data sheet, not measured
    Card("RTX 4060 Laptop", "sm_89", 256e9, 2.0e12, 25e12, 25e12, 24, 2.0e9),
)


@dataclass(frozen=True)
class Kernel:
    """The bytes and operations of one launch."""

    name: str
    bytes: float
    matrix: float = 0.0
    vector: float = 0.0
    given: float = 0.0
    """Bytes of an op's arguments and results, each counted once."""
    own: bool = False
    """Whether this is one of our kernels."""
    code: Launch | None = None
    """Counts of its machine code; None if it was not compiled."""

    def parts(self, card: Card) -> dict[str, float]:
        """Return how many seconds each resource of a card is busy; all work at the same time."""
        found = {"memory": self.bytes / card.bandwidth}
        if self.code is None:
            return {
                **found,
                "matrix": self.matrix / card.matrix,
                "issue": self.vector / card.vector,
            }
        found["L2"] = max(self.code.whole.fetched, self.bytes) / card.cache
        rates = (rate / card.processors / card.clock for rate in (card.narrow_matrix, card.matrix))
        clocks = self.code.clocks(card.processors, *rates)
        return {**found, **{name: value / card.clock for name, value in clocks.items()}}

    def seconds(self, card: Card) -> float:
        """Return the least time on a card."""
        return max(self.parts(card).values())

    def limit(self, card: Card) -> str:
        """Return the resource that is busy longest."""
        parts = self.parts(card)
        return max(parts, key=lambda name: parts[name])


class Counter(TorchDispatchMode):
    """A recorder: a `Kernel` for every launch, and for every operator that is not just a view."""

    def __init__(self, card: Card | None = None) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []
        self._card = card
        self._launches = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.namespace == "napari_sr":
            return self._op(func.overloadpacket.__name__, args)
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        # operators that count as views may copy, such as `contiguous`
        if "empty" not in name and not (func.is_view and _shares(args, result)):
            moved = sum(leaf.nbytes for leaf in tree_leaves((args, result)) if _is_tensor(leaf))
            if name in ("conv2d", "convolution"):
                self._convolution(moved, result, *args)
            else:
                work = result.numel() * INSTRUCTIONS.get(name, 1)
                self.kernels.append(Kernel(name, moved, vector=work))
        return result

    def _op(self, name: str, args: Any) -> Any:
        """Run an op's launch function, and record its kernels after the tensors that it copied."""
        op, self._launches = sr_kernels.op(name), 0
        card = self._card
        compiled = compiling(card.architecture, card.processors) if card else nullcontext([])
        with self, compiled as found:
            results = op.launch(*args)
        codes: list[Launch | None] = [None] * self._launches
        if card:
            codes = [launch_of(each, card.architecture) for each in found]
        given = {id(leaf): leaf for leaf in tree_leaves((args, results)) if _is_tensor(leaf)}
        moved = op.bytes_moved(*args)
        passed = sum(leaf.nbytes for leaf in given.values())
        # all bytes belong to the first launch; later launches move few bytes
        for place, code in enumerate(codes):
            first = {"bytes": moved, "given": passed} if place == 0 else {"bytes": 0}
            self.kernels.append(Kernel(name, **first, own=True, code=code))
        return results

    def launch(self, *_: Any, **__: Any) -> None:
        """Count a launch instead of making it."""
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
    """Return whether all results share the memory of the arguments."""
    given, made = (
        {leaf.untyped_storage()._cdata for leaf in tree_leaves(tree) if _is_tensor(leaf)}
        for tree in (arguments, results)
    )
    return made <= given


def eager(call: Callable[..., object], *planes: tuple[int, ...]) -> list[Kernel]:
    """Return the kernels of a call in plain PyTorch on half-precision tensors of these shapes."""
    inputs = [torch.empty(shape, device="meta", dtype=torch.half) for shape in planes]
    with torch.inference_mode(), Counter() as counter:
        call(*inputs)
    return counter.kernels


def fused(
    call: Callable[..., object], *planes: tuple[int, ...], card: Card | None = None
) -> list[Kernel]:
    """Return the kernels of a call with our ops; with a card, compiled for it."""
    inputs = [torch.empty(shape, device="meta", dtype=torch.half) for shape in planes]
    counter = Counter(card)
    with (
        mock.patch.object(_op, "runs_fused", lambda *tensors: True),
        mock.patch.object(JITFunction, "run", counter.launch) if card is None else nullcontext(),
        mock.patch.object(GridExecutor, "__call__", counter.launch),
        torch.inference_mode(),
        counter,
    ):
        call(*inputs)
    return counter.kernels


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the peak memory of tensors during a call, without weights, in bytes."""
    tracer = _Tracer()
    with torch.inference_mode(), tracer:
        call()
    return int(tracer.peak)


def network_of(name: str) -> Network:
    """Return a network on the meta device, in the memory format of a GPU."""
    made = models.architecture(name).network(scale=SCALE).eval().half()
    return meta_copy(made.to(memory_format=torch.channels_last))


KNOWN = {"bsrn": (666, 90_339, 19_204), "rfdn": (825, 28_289, 6_710), "imdn": (1420, 33_288, 9_702)}
"""Earlier counts with other assumptions: kFLOP, eager bytes and fused bytes per pixel."""
COMPILED = (364, 57_252)
"""Earlier counts of BSRN x4 with torch.compile: kernels, and bytes per pixel."""
NAMES = ("bsrn", "bsrn_s", "rfdn", "imdn")


def seconds(kernels: list[Kernel], card: Card, *, launch: float = 0.0) -> float:
    """Return the least time of consecutive kernels, given the CPU's time for each launch."""
    device = sum(kernel.seconds(card) + GAP for kernel in kernels)
    return max(device, launch * len(kernels))


def in_all(kernels: list[Kernel]) -> tuple[float, float]:
    """Return the sums of the bytes and of the matrix operations of kernels."""
    return sum(kernel.bytes for kernel in kernels), sum(kernel.matrix for kernel in kernels)


def op_rows(card: Card) -> list[str]:
    """Return a table row for each op and size: times of the reference and of our kernels."""
    rows = []
    for name in sr_kernels.names():
        op = sr_kernels.op(name)
        for size in ("320 x 180", "2048 x 2048"):
            arguments = example(name, SIZES[size])
            with torch.inference_mode(), Counter() as counter:
                op.reference(*arguments)
            every = fused(partial(op.public, *arguments), card=card)
            # leave out copies of tensors whose layout differs from that in a network
            compiled = [kernel for kernel in every if kernel.own]
            slow = sum(kernel.seconds(card) for kernel in counter.kernels)
            fast = sum(kernel.seconds(card) for kernel in compiled)
            worst = max(compiled, key=lambda kernel: kernel.seconds(card))
            floor = sum(kernel.bytes for kernel in compiled) / card.bandwidth
            rows.append(
                f"| {name} | {size} | {len(counter.kernels)} | {len(compiled)} | {slow * 1e3:.3f} "
                f"| {floor * 1e3:.3f} | {fast * 1e3:.3f} | {worst.limit(card)} "
                f"| {slow / fast:.1f} |"
            )
    return rows


def network_rows(card: Card) -> list[str]:
    """Return a table row for each network and size."""
    rows = []
    for name in NAMES:
        network = network_of(name)
        for size, (height, width) in SIZES.items():
            image = (1, network.channels, height, width)
            slow, fast = eager(network, image), fused(network, image, card=card)
            times = (
                seconds(slow, card, launch=LAUNCH), seconds(slow, card), seconds(fast, card),
            )  # fmt: skip
            floor = sum(kernel.bytes / card.bandwidth + GAP for kernel in fast)
            rows.append(
                f"| {name} | {size} | {times[0] * 1e3:.2f} | {times[1] * 1e3:.2f} "
                f"| {floor * 1e3:.2f} | {times[2] * 1e3:.2f} | {times[0] / times[2]:.1f} |"
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


def share_rows(card: Card, size: str) -> list[str]:
    """Return a table row for each kind of kernel in the fused BSRN, largest first."""
    (height, width), network = SIZES[size], network_of("bsrn")
    kernels = fused(network, (1, network.channels, height, width), card=card)
    kinds: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        kinds.setdefault(kernel.name if kernel.own else f"PyTorch's {kernel.name}", []).append(
            kernel
        )
    whole = seconds(kernels, card)
    rows = []
    for kind, group in sorted(kinds.items(), key=lambda pair: -seconds(pair[1], card)):
        longest = max(group, key=lambda kernel: kernel.seconds(card))
        parts = longest.parts(card)
        shares = ", ".join(
            f"{name} {value / longest.seconds(card):.0%}" for name, value in parts.items()
        )
        rows.append(
            f"| {kind} | {len(group)} | {in_all(group)[0] / height / width:,.0f} "
            f"| {seconds(group, card) * 1e3:.3f} | {seconds(group, card) / whole:.0%} | {shares} |"
        )
    return rows


def target_rows(card: Card) -> list[str]:
    """Return a table row for each target of BSRN x4 at 320 x 180, with the forecast."""
    (height, width), network = SIZES["320 x 180"], network_of("bsrn")
    image = (1, network.channels, height, width)
    slow, fast = eager(network, image), fused(network, image, card=card)
    ours = seconds(fast, card)
    kernels, moved = COMPILED
    compiled = moved * height * width / card.bandwidth + kernels * GAP
    floor = sum(kernel.bytes / card.bandwidth + GAP for kernel in fast)
    peers = {
        "eager": (seconds(slow, card, launch=LAUNCH), 8.0),
        "torch.compile, in a CUDA graph": (compiled, 2.5),
    }
    return [
        f"| {name} | {wanted} x | {peer / wanted * 1e3:.2f} | {floor * 1e3:.2f} | {ours * 1e3:.2f} "
        f"| {peer / ours:.1f} x | {'yes' if peer / ours >= wanted else 'no'} |"
        for name, (peer, wanted) in peers.items()
    ]


def table(header: str, rows: list[str]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [header, "|---" * (header.count("|") - 1) + "|", *rows, ""]


def report() -> str:
    """Return all tables."""
    lines = [
        "# What the kernels can gain, by arithmetic",
        "",
        "Written by `python benchmarks/gpu/kernel_model.py`, whose docstring explains the model; "
        f"x{SCALE}, half precision. Nothing here was measured on a GPU.",
        "",
        "Counts per LR pixel. In brackets: an earlier count with another assumption (the blocks' "
        "outputs are concatenated and fused at the end, not accumulated block by block):",
        "",
        *table(
            "| network | kFLOP | kernels, eager | bytes, eager | kernels, fused | bytes, fused "
            "| most bytes alive, eager | fused |",
            count_rows(),
        ),
    ]
    for card in CARDS:
        lines += [
            f"{card.name}: {card.bandwidth / 1e12:.3g} TB/s, L2 {card.cache / 1e12:.3g} TB/s, "
            f"{card.matrix / 1e12:.0f} TFLOP/s of matrices ({card.narrow_matrix / 1e12:.0f} by "
            f"mma.sync), {card.vector / 1e12:.3g} T instructions/s of "
            f'{card.processors} multiprocessors. "Bytes" is the time of the fused kernels if only '
            'memory limited them, "fused" the time of their machine code:',
            "",
            *table(
                "| network | LR size | eager, ms | in a CUDA graph, ms | bytes, ms | fused, ms "
                "| gain |",
                network_rows(card),
            ),
        ]
    card = CARDS[0]
    lines += [
        f"The targets of BSRN x4 at 320 x 180, forecast for {card.name}. If bytes and gaps between "
        "kernels already take longer than allowed, faster kernels cannot reach the target. Only "
        "fewer bytes or launches can, or planes that stay in L2, which this model leaves out:",
        "",
        *table(
            "| against | target | allowed, ms | bytes and gaps, ms | forecast, ms | forecast "
            "| within reach |",
            target_rows(card),
        ),
    ]
    for size in ("320 x 180", "2048 x 2048"):
        lines += [
            f"Time of the fused bsrn on {card.name}, {size}, by kernel. The last column shows, for "
            "the longest launch of each kernel, how much of its time each resource is busy:",
            "",
            *table(
                "| kernel | launches | bytes per pixel | ms | share of the network | busy |",
                share_rows(card, size),
            ),
        ]
    lines += [
        f"Each op on {card.name}, with 64 channels (16 inside ESA), compared with its reference in "
        "eager PyTorch, without the time between kernels:",
        "",
        *table(
            "| op | size | kernels, eager | fused | eager, ms | bytes, ms | fused, ms | limited by "
            "| gain |",
            op_rows(card),
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables, and write them to a file if one is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="file for the tables")
    arguments = parser.parse_args()
    text = report()
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
