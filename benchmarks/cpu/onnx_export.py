"""Export of every published network at its real size, checked with onnxruntime.

    NAPARI_SR_WEIGHTS=WEIGHTS python benchmarks/cpu/onnx_export.py > onnx_export.md
    ... python benchmarks/cpu/onnx_export.py "EDSR" bsrn-x4

The table begins with the models that can be chosen by name and whose weights are on this computer.
One network of each other published variant follows, with random weights. The error is the largest
one at three image sizes other than the traced size, as a share of the range of the network's
results. Prints Markdown.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import onnxruntime
import torch

from napari_sr import export, load, models
from napari_sr.zoo.download import local_path
from napari_sr.zoo.registry import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_sr.graph.network import Network


def networks() -> Iterator[tuple[str, Callable[[], Network]]]:
    """Yield the name of each network and a function that builds it."""
    for entry in entries():
        if local_path(entry) is not None:
            yield entry.name, lambda name=entry.name: load(name)
    for name in models.names():
        record = models.architecture(name)
        if name != "interpolation":
            for form in record.forms:
                options = {"scale": form.scales[-1], **form.options}
                title = f"{form.name} x{form.scales[-1]}, random weights"
                yield title, lambda record=record, options=options: record.network(**options).eval()


def row(name: str, network: Network, folder: str) -> str:
    """Return a line of the table."""
    path = Path(folder) / "a.onnx"
    began = time.perf_counter()
    export(network, path, overwrite=True)
    seconds = time.perf_counter() - began
    model = onnx.load(path)
    error = next(entry.value for entry in model.metadata_props if entry.key == "max_error")
    size = path.stat().st_size / 1e6
    return f"| {name} | {seconds:.1f} | {len(model.graph.node)} | {size:.2f} | {error} |"


def main() -> None:
    """Print the table."""
    wanted = sys.argv[1:]
    torch.manual_seed(0)
    versions = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
    print(f"# ONNX export\n\n{versions}, CPU, {torch.get_num_threads()} threads.\n")
    print("| network | export and check, s | nodes | MB | largest error |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in networks():
            if not wanted or any(name.startswith(word) for word in wanted):
                print(row(name, make(), folder), flush=True)


if __name__ == "__main__":
    main()
