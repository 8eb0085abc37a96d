"""Compare the time of `upscale` on a CPU with that of the engines called directly ("by hand").

    python benchmarks/cpu/engines.py DATA/Set5/HR/butterfly.png --models fsrcnn-x2 bsrn-x2
    python benchmarks/cpu/engines.py IMAGE --sides 256 512 1024 --write benchmarks/cpu/engines.md

"By hand" means: onnxruntime and OpenVINO run our ONNX export of the network, in float32, without
tiles and checks. This is the least time that any program needs. "Eager by hand" calls the network
in PyTorch, with contiguous weights, as files store them. OpenCV's `dnn` module runs the same file
if OpenCV is installed. All run alternately in one process, and each time is a median. The image is
a photograph, repeated to the wanted side; noise would not do, because networks amplify it. Errors
compare `upscale` with OpenVINO and with PyTorch, for the same image in float32 from 0 to 1.
"""

from __future__ import annotations

import argparse
import copy
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

import napari_sr
from napari_sr.engine.backends.loaded import wait_for_trials
from napari_sr.engine.backends.openvino import configuration
from napari_sr.onnx.export import export

sys.path.append(str(Path(__file__).parents[1]))
from commit import commit  # the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable

MODELS = ["fsrcnn-x2", "edsr-slim-x2", "bsrn-x2", "bsrn-s-x4", "rfdn-x4", "imdn-x2"]
PEERS = [
    "torch",
    "openvino",
    "eager by hand",
    "onnxruntime by hand",
    "openvino by hand",
    "opencv by hand",
]


def photograph(path: Path, side: int, *, grey: bool) -> np.ndarray:
    """Return the image as (side, side) or (side, side, 3) in uint8."""
    pixels = np.asarray(Image.open(path).convert("L" if grey else "RGB"))
    times = [-(-side // length) for length in pixels.shape[:2]] + [1] * (pixels.ndim - 2)
    return np.tile(pixels, times)[:side, :side].copy()


def planes_of(image: np.ndarray) -> np.ndarray:
    """Return an image as the input of a network: (1, C, H, W), float32, from 0 to 1."""
    planes = image[None, None] if image.ndim == 2 else image.transpose(2, 0, 1)[None]
    return (planes / np.float32(255)).astype(np.float32)


def eager(network: torch.nn.Module, image: np.ndarray) -> Callable[[], object]:
    """Return a function that runs a network eagerly in PyTorch."""
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    x = torch.from_numpy(planes_of(image))
    return torch.inference_mode()(lambda: plain(x))


def by_hand(network: Any, image: np.ndarray, folder: Path) -> dict[str, Callable[[], object]]:
    """Return functions that run a network by onnxruntime and OpenVINO; {} if its export fails."""
    import onnxruntime
    import openvino

    file = folder / "network.onnx"
    try:
        export(network, file)
    except (ValueError, RuntimeError) as error:
        print(f"  not exported: {error}", file=sys.stderr)
        return {}
    x = planes_of(image)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    core = openvino.Core()
    model = core.read_model(file)
    model.reshape(list(x.shape))
    request = core.compile_model(model, "CPU", configuration()).create_infer_request()
    return {
        "onnxruntime by hand": lambda: session.run(None, {name: x}),
        "openvino by hand": lambda: request.infer([x], share_inputs=True),
        **by_opencv(file, x),
    }


def by_opencv(file: Path, x: np.ndarray) -> dict[str, Callable[[], object]]:
    """Return a function that runs a network by OpenCV; {} if OpenCV is missing or fails."""
    try:
        import cv2
    except ImportError:
        return {}
    cv2.setNumThreads(torch.get_num_threads())
    try:
        network = cv2.dnn.readNetFromONNX(str(file))
        network.setInput(x)
        network.forward()
    except cv2.error as error:
        print(f"  not run by OpenCV: {error}", file=sys.stderr)
        return {}

    def call() -> object:
        network.setInput(x)
        return network.forward()

    return {"opencv by hand": call}


def medians(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Return the median seconds of each call; the calls take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
    return {name: median(each) for name, each in times.items()}


def measure(
    model: str, path: Path, side: int, tile: int | None, runs: int, *, apart: bool
) -> dict[str, float]:
    """Return the median seconds of each way to run the network, and the error of OpenVINO."""
    network = napari_sr.load(model)
    image = photograph(path, side, grey=network.channels == 1)
    # zeros beyond the border, as in the engines that are called directly
    how: dict[str, Any] = {"tile": tile, "device": "cpu", "border": "zeros"}

    def upscaled(engine: str) -> Callable[[], np.ndarray]:
        return lambda: napari_sr.upscale(image, network, engine=engine, **how)

    calls: dict[str, Callable[[], object]] = {
        name: upscaled(name) for name in ("torch", "openvino")
    }
    for _ in range(4):  # these runs compile the network, and check its first results
        upscaled("openvino")()
        wait_for_trials()
    times = medians(calls, runs) if apart else {}
    with tempfile.TemporaryDirectory() as folder:
        direct: dict[str, Callable[[], object]] = {}
        if tile is None:
            direct = {"eager by hand": eager(network, image)}
            direct |= by_hand(network, image, Path(folder))
        times |= medians(direct if apart else calls | direct, runs)
    floats = (image / 255).astype(np.float32)
    exact, found = (
        napari_sr.upscale(floats, network, engine=name, **how) for name in ("torch", "openvino")
    )
    error = float(np.abs(exact - found).max())
    return {**times, "error": error}


def row(model: str, side: int, tile: int | None, found: dict[str, float]) -> str:
    """Return one row of the table."""
    hand = [found[name] for name in PEERS[3:] if name in found]
    ratio = f"{found['openvino'] / min(hand):.2f}" if hand else ""
    cells = [f"{1e3 * found[name]:.0f}" if name in found else "" for name in PEERS]
    eager_time = found.get("eager by hand", found["torch"])
    gain = f"{eager_time / found['openvino']:.2f}"
    what = "by memory" if tile is None else f"{tile} px"
    columns = [model, str(side), what, *cells, gain, ratio, f"{found['error']:.1e}"]
    return f"| {' | '.join(columns)} |"


def main() -> None:
    """Measure, and print or write a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("image", type=Path, help="a photograph")
    options.add_argument("--models", nargs="+", default=MODELS)
    options.add_argument("--sides", nargs="+", type=int, default=[256, 512, 1024])
    options.add_argument("--tiles", action="store_true", help="tiles of 128 px as well")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument(
        "--apart",
        action="store_true",
        help="time `upscale` before other engines are loaded, instead of in turns: at 1024 px they "
        "take so much memory that `upscale` plans smaller tiles",
    )
    options.add_argument("--write", type=Path)
    wanted = options.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "openvino", "onnxruntime"))
    lines = [
        "# Engines on a CPU",
        "",
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, "
        f"{versions}; commit {commit()}; `{wanted.image.name}`, uint8, milliseconds, "
        f"medians of {wanted.runs} turns.",
        "",
        f"| network | side | tiles | {' | '.join(PEERS)} | eager / openvino | "
        "openvino / best by hand | largest error |",
        "|---|---|---|" + "---|" * (len(PEERS) + 3),
    ]
    print("\n".join(lines), flush=True)
    for model in wanted.models:
        for side in wanted.sides:
            for tile in (None, 128) if wanted.tiles else (None,):
                found = measure(model, wanted.image, side, tile, wanted.runs, apart=wanted.apart)
                lines.append(row(model, side, tile, found))
                print(lines[-1], flush=True)
    if wanted.write is not None:
        wanted.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
