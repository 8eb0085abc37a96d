"""What the kernels can gain: bytes, operations and the least time, per op and per network.

    python benchmarks/kernel_model.py [--write FILE]

Arithmetic only; nothing here has been measured on a GPU. Eager PyTorch is counted by running our
own networks on tensors without data and adding up what every operator reads and writes. Fused is a
plan: one kernel for each op of `sr_kernels` with the bytes that its inputs and results have, the
rest as PyTorch runs it. Where the op exists, its own `bytes_moved` is checked against the plan.

Model, for a kernel: the longest of bytes / bandwidth, matrix operations / matrix rate and vector
instructions / vector rate, and 1 us between kernels. Eager waits for the CPU too, 5 us a kernel.
A bias in eager PyTorch costs a kernel of its own wherever cuDNN computes the convolution. Caches
are left out, so a small image may run faster than this says.

Letters: N images, C features, H x W pixels of the image that enters, S scale.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import sr_kernels
from napari_sr import models
from napari_sr.engine.memory import ghost

if TYPE_CHECKING:
    from collections.abc import Callable

SCALE = 4
SIZES = {"320 x 180": (180, 320), "256 x 256": (256, 256), "510 x 339": (339, 510),
         "2048 x 2048": (2048, 2048)}  # fmt: skip
HALF = 2
"""Bytes of an element."""
LAUNCH = 5e-6
"""Seconds for which eager PyTorch occupies the CPU for every kernel."""
GAP = 1e-6
"""Seconds from the end of a kernel to the start of the next, in a CUDA graph."""
INSTRUCTIONS = {"gelu": 33, "sigmoid": 8, "leaky_relu": 2, "mean": 1}
"""Of one element, where not 1; GELU by the error function."""
FUSED_GELU = 21
"""Instructions of the kernels' GELU (Abramowitz and Stegun's 7.1.26)."""


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

    def seconds(self, card: Card) -> float:
        """Return the least time on a card."""
        return max(
            self.bytes / card.bandwidth, self.matrix / card.matrix, self.vector / card.vector
        )


class Counter(TorchDispatchMode):
    """Writes down a `Kernel` for every operator that is more than a view."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if not func.is_view and name != "empty":
            moved = sum(leaf.nbytes for leaf in tree_leaves((args, result)) if _is_tensor(leaf))
            if name in ("conv2d", "convolution"):
                self._convolution(moved, result, *args)
            else:
                work = result.numel() * INSTRUCTIONS.get(name, 1)
                self.kernels.append(Kernel(name, moved, vector=work))
        return result

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


def eager(call: Callable[..., object], *planes: tuple[int, ...]) -> list[Kernel]:
    """Return the kernels of a call on half-precision tensors of these shapes."""
    inputs = [torch.empty(shape, device="meta", dtype=torch.half) for shape in planes]
    with torch.inference_mode(), Counter() as counter:
        call(*inputs)
    return counter.kernels


class Plan:
    """Collects the kernels of a fused network, by channels that one pixel reads and writes."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.pixels = height * width
        self.kernels: list[Kernel] = []

    def add(self, name: str, planes: float, *, matrix: float = 0, vector: float = 0) -> None:
        """Add a kernel that moves `planes` channels, and computes this much, for every pixel."""
        n = self.pixels
        self.kernels.append(Kernel(name, planes * HALF * n, matrix * n, vector * n))

    def add_eager(self, call: Callable[..., object], channels: int) -> None:
        """Add what PyTorch runs for a call on a plane of so many channels."""
        self.kernels += eager(call, (1, channels, *self.size))

    def bsconv(self, inputs: int, outputs: int, *, more: int = 0, gelu: bool = True) -> None:
        """Add a 1x1, formed for three shifts, and a depthwise 3x3 with all that follows it.

        `more` channels are read beside the input; where the residual is the input, none.
        """
        vector = outputs * (11 + FUSED_GELU * gelu)
        matrix = 3 * 2 * inputs * outputs
        self.add("bsconv", inputs + outputs + more, matrix=matrix, vector=vector)

    def conv3x3(self, inputs: int, outputs: int, *, more: int = 0) -> None:
        """Add a dense 3x3 with bias, residual and activation, cuDNN's or ours."""
        planes = inputs + outputs + more
        self.add("conv3x3", planes, matrix=18 * inputs * outputs, vector=3 * outputs)

    def conv1x1(self, inputs: int, outputs: int, *, more: int = 0) -> None:
        """Add a 1x1, `more` channels being read and added."""
        self.add("conv1x1", inputs + outputs + more, matrix=2 * inputs * outputs)

    def esdb_tail(self, c: int, inner: int, *, instructions: int) -> None:
        """Add the distillation 1x1s of three planes, their 1x1 fusion, and ESA's first 1x1."""
        d = c // 2
        matrix = 2 * (3 * c * d + 4 * d * c + c * inner)
        vector = 3 * d * instructions
        self.add("esdb_tail", 3 * c + d + c + inner, matrix=matrix, vector=vector)

    def esa(self, gate: Any, c: int) -> None:
        """Add ESA: the pooled plane as PyTorch runs it, then the tail."""
        inner = gate.squeeze.out_channels
        self.add_eager(lambda squeezed: gate.low(gate.pool(squeezed)), inner)
        matrix = 2 * (inner * inner + inner * c)
        self.add("esa_tail", 2 * c + inner, matrix=matrix, vector=c * 12 + inner * 12)

    def plane_moments(self, c: int) -> None:
        """Add the statistics of every channel, for CCA."""
        self.add("plane_moments", c, vector=5 * c)

    def gated_residual(self, c: int) -> None:
        """Add CCA's gate with the block's skip."""
        self.add("gated_residual", 3 * c, vector=2 * c)

    def pixel_shuffle(self, c: int) -> None:
        """Add the sub-pixel rearrangement of `c` channels, without a skip."""
        self.add("pixel_shuffle_add", 2 * c)

    def shared(self, index: int, c: int) -> None:
        """Add block `index`'s share of the 1x1 over all blocks' outputs."""
        self.conv1x1(c, c, more=c if index else 0)

    def ends(self, network: Any, convolution: Callable[..., None]) -> None:
        """Add the head, the merge with the long skip, and the tail with its pixel shuffle."""
        c, channels = network.features, network.channels
        self.add("prepare", channels * (1 + network.replication))
        convolution(network.replication * channels, c)
        convolution(c, c, more=c)
        self.conv3x3(c, channels * SCALE**2)
        self.pixel_shuffle(channels * SCALE**2)


def plan_bsrn(network: Any, plan: Plan) -> None:
    """Plan BSRN."""
    c = network.features
    plan.ends(network, plan.bsconv)
    for index, block in enumerate(network.blocks):
        _separable_front(plan, c, block)
        plan.plane_moments(c)
        plan.gated_residual(c)
        plan.shared(index, c)


def plan_bsrn_s(network: Any, plan: Plan) -> None:
    """Plan BSRN-S: its channel weights go into its 1x1."""
    c = network.features
    plan.ends(network, plan.bsconv)
    for index, block in enumerate(network.blocks):
        _separable_front(plan, c, block)
        plan.conv1x1(c, c, more=c)
        plan.shared(index, c)


def _separable_front(plan: Plan, c: int, block: Any) -> None:
    for _ in range(3):
        plan.bsconv(c, c)
    plan.bsconv(c, c // 2)
    plan.esdb_tail(c, block.spatial.squeeze.out_channels, instructions=FUSED_GELU)
    plan.esa(block.spatial, c)


def plan_rfdn(network: Any, plan: Plan) -> None:
    """Plan RFDN as released: BSRN's chain with dense convolutions."""
    c = network.features
    plan.ends(network, plan.conv3x3)
    for index, block in enumerate(network.blocks):
        for _ in range(3):
            plan.conv3x3(c, c, more=c)
        plan.conv3x3(c, c // 2)
        inner = block.spatial.squeeze.out_channels
        plan.esdb_tail(c, inner, instructions=INSTRUCTIONS["leaky_relu"])
        plan.esa(block.spatial, c)
        plan.shared(index, c)


def plan_imdn(network: Any, plan: Plan) -> None:
    """Plan IMDN: four 3x3 that write into one buffer; the gate goes into the 1x1's weights."""
    c, rest = network.features, 3 * network.features // 4
    plan.ends(network, plan.conv3x3)
    for index, _ in enumerate(network.blocks):
        plan.conv3x3(c, c)
        plan.conv3x3(rest, c)
        plan.conv3x3(rest, c)
        plan.conv3x3(rest, c - rest)
        plan.plane_moments(c)
        plan.conv1x1(c, c, more=c)
        plan.shared(index, c)


PLANS = {"bsrn": plan_bsrn, "bsrn_s": plan_bsrn_s, "rfdn": plan_rfdn, "imdn": plan_imdn}
KNOWN = {"bsrn": (666, 90_339, 19_204), "rfdn": (825, 28_289, 6_710), "imdn": (1420, 33_288, 9_702)}
"""kFLOP, eager and fused bytes per pixel as counted before this model, by other assumptions."""


OWN = {
    "prepare", "bsconv", "esdb_tail", "esa_tail", "plane_moments", "gated_residual", "conv1x1",
    "conv3x3", "pixel_shuffle_add",
}  # fmt: skip
"""Kernels of the fused BSRN outside ESA's pooled plane, which PyTorch computes."""


def seconds(kernels: list[Kernel], card: Card, *, launch: float = 0.0) -> float:
    """Return the least time of kernels in a row, each of which the CPU launches for so long."""
    device = sum(kernel.seconds(card) + GAP for kernel in kernels)
    return max(device, launch * len(kernels))


def planned(name: str, network: Any, height: int, width: int) -> list[Kernel]:
    """Return the kernels of a fused network."""
    plan = Plan(height, width)
    PLANS[name](network, plan)
    return plan.kernels


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
            arguments = op.example((1, channels, height, width), torch.half, device)
        with torch.inference_mode(), Counter() as counter:
            op.reference(*arguments)
        fused = Kernel(name, op.bytes_moved(*arguments), matrix=op.flops(*arguments))
        slow, fast = seconds(counter.kernels, card), seconds([fused], card)
        rows.append(
            f"| {name} | {len(counter.kernels)} | {in_all(counter.kernels)[0] / pixels:.0f} "
            f"| {fused.bytes / pixels:.0f} | {fused.matrix / pixels / 1e3:.2f} "
            f"| {slow * 1e3:.2f} | {fast * 1e3:.2f} | {slow / fast:.1f} |"
        )
    return rows


def network_rows(card: Card) -> list[str]:
    """Return a table row for each network and size."""
    rows = []
    for name in PLANS:
        network = ghost(models.architecture(name).network(scale=SCALE).eval().half())
        for size, (height, width) in SIZES.items():
            slow = eager(network, (1, network.channels, height, width))
            fast = planned(name, network, height, width)
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
    for name in PLANS:
        network = ghost(models.architecture(name).network(scale=SCALE).eval().half())
        slow = eager(network, (1, network.channels, height, width))
        fast = planned(name, network, height, width)
        work = in_all(slow)[1] + sum(
            2 * kernel.vector for kernel in slow if kernel.name == "depthwise"
        )
        pixels = height * width
        known = [f"{number:,}" for number in KNOWN[name]] if name in KNOWN else ["-"] * 3
        rows.append(
            f"| {name} | {work / pixels / 1e3:.0f} ({known[0]}) | {len(slow)} "
            f"| {in_all(slow)[0] / pixels:,.0f} ({known[1]}) | {len(fast)} "
            f"| {in_all(fast)[0] / pixels:,.0f} ({known[2]}) |"
        )
    return rows


def share_rows() -> list[str]:
    """Return a table row for each kind of kernel in the fused BSRN, largest first."""
    height, width = SIZES["2048 x 2048"]
    network = ghost(models.architecture("bsrn").network(scale=SCALE).eval().half())
    kernels = planned("bsrn", network, height, width)
    kinds: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        own = kernel.name in OWN
        kinds.setdefault(kernel.name if own else "ESA's pooled plane", []).append(kernel)
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


def missing() -> list[str]:
    """Return what to say of planned ops that nobody has written."""
    written = {*sr_kernels.names(), "prepare", "conv1x1"}  # these two PyTorch has
    unwritten = ", ".join(f"`{name}`" for name in sorted(OWN - written))
    return [f"Planned, but not among the ops yet: {unwritten}.", ""] if unwritten else []


def report() -> str:
    """Return all tables."""
    lines = [
        "# What the kernels can gain, by arithmetic",
        "",
        f"By `python benchmarks/kernel_model.py`, whose docstring states the model; x{SCALE}, half "
        "precision. Nothing here was measured on a GPU.",
        "",
        *missing(),
        "Per LR pixel; in brackets an earlier count by other assumptions (the blocks' outputs "
        "concatenated and fused at the end, not accumulated block by block):",
        "",
        *table(
            "| network | kFLOP | kernels, eager | bytes, eager | kernels, fused | bytes, fused |",
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
        f"Each op on {CARDS[0].name}, 64 channels, 2048 x 2048, by its own `bytes_moved` and "
        "`flops` (taken as matrix operations), against its reference in eager PyTorch:",
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
