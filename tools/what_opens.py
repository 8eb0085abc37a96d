"""Write the table of docs/opens.md: which checkpoint files open, before and now.

    python tools/what_opens.py            # also opens the files with the commit BEFORE
    python tools/what_opens.py --check    # only says which rows of the page differ now

Small files of every kind are made with random weights. Each version then opens all of them in a
process of its own. Networks of spandrel are made by spandrel's code.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save_file

from napari_sr import models
from napari_sr.zoo._torchvision import import_on_torchvision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))
PAGE = ROOT / "docs/opens.md"
BEFORE = "333658c"
"""The commit to compare with."""
ROWS = re.compile(r"(?<=\n)\| file \|.*\n\|[-| ]+\|\n(?:\|.*\n)*")
"""Matches the page's tables."""

OPENER = """
import json, sys, napari_sr
try:
    from napari_sr.zoo.bioimage import trial
    trial.ENABLED = False  # these packages are our own
except ImportError:
    pass
found = {}
for name in sys.argv[1:]:
    try:
        try:
            network = napari_sr.load(name)
        except ValueError as error:
            if "do not show the scale" not in str(error):
                raise
            network = napari_sr.load(name, 2)
    except ValueError as error:
        found[name] = ["refused", str(error)]
    else:
        grey = network.channels == 1 and network.full_range
        halo = getattr(network, "halo_source", "")
        found[name] = [
            "exact" if network.exact else "guess", network.title, network.channels, grey, halo,
        ]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Sample:
    """A kind of file."""

    group: str
    kind: str
    """What the file is, as in the page."""
    write: Callable[[Path], object]
    """Writes it to a path."""
    suffix: str = ".pth"


def ours(name: str, **options: Any) -> dict[str, Tensor]:
    """Return random weights of one of our networks."""
    record = models.architecture(name)
    torch.manual_seed(0)
    return record.network(**{**record.example, **options}).state_dict()


def theirs(module: str, name: str, **options: Any) -> dict[str, Tensor]:
    """Return random weights of a network of spandrel."""
    import_on_torchvision("spandrel")
    network = getattr(import_module(f"spandrel.architectures.{module}"), name)(**options)
    state: dict[str, Tensor] = network.eval().state_dict()
    return state


def compact(scale: int, channels: int = 3, **options: Any) -> dict[str, Tensor]:
    """Return random weights of Real-ESRGAN's compact network."""
    options = {
        "num_feat": 8,
        "num_conv": 2,
        "num_in_ch": channels,
        "num_out_ch": channels,
    } | options
    return theirs("Compact", "Compact", upscale=scale, **options)


def span(scale: int, **options: Any) -> dict[str, Tensor]:
    """Return random weights of SPAN, with its convolutions for training."""
    return theirs(
        "SPAN", "SPAN", num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=scale, **options
    )


def saved(content: Any) -> Callable[[Path], object]:
    """Return a function that saves content by `torch.save`."""
    return lambda path: torch.save(content, path)


def swin() -> dict[str, Tensor]:
    """Return random weights of SwinIR."""
    return theirs(
        "SwinIR", "SwinIR", img_size=16, window_size=4, depths=(2,), embed_dim=8, num_heads=(2,),
        mlp_ratio=2, upscale=2, upsampler="pixelshuffle",
    )  # fmt: skip


def spanplus(**options: Any) -> dict[str, Tensor]:
    """Return random weights of SPANPlus, folded, under its author's keys."""
    rules = {
        r"^head\.": "feats.0.eval_conv.", r"^tail\.": "upsampler.0.", r"^groups\.0\.": "feats.1.",
        r"\.blocks\.0\.": ".block_1.", r"\.blocks\.1\.": ".block_n.0.",
        r"\.blocks\.2\.": ".block_end.", r"\.first\.": ".c1_r.eval_conv.",
        r"\.second\.": ".c2_r.eval_conv.", r"\.third\.": ".c3_r.eval_conv.",
        r"\.merge\.": ".conv_2.eval_conv.", r"\.fuse\.": ".conv_cat.",
    }  # fmt: skip
    state = ours("spanplus", groups=(3,), **options)
    for pattern, name in rules.items():
        state = {re.sub(pattern, name, key): value for key, value in state.items()}
    return state


def under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a state with a prefix before every key."""
    return {f"{prefix}{key}": value for key, value in state.items()}


def of_networks() -> Iterator[Sample]:
    """Yield a file of each kind of network, in the wrapper of BasicSR."""
    plus = spanplus()
    positions = {
        re.sub(r"^sampler\.", "upsampler.", key): value
        for key, value in spanplus(sampled=True).items()
    }
    naf = {"width": 8, "enc_blk_nums": [1], "dec_blk_nums": [1], "middle_blk_num": 1}
    networks = {
        "ESRGAN x4": ours("rrdbnet", scale=4, unshuffle=1),
        "Real-ESRGAN x2 (folded pixels)": ours("rrdbnet"),
        "ESRGAN x1": ours("rrdbnet", scale=1, unshuffle=1),
        "ESRGAN of one channel": ours("rrdbnet", channels=1),
        "EDSR, BSRN and the other networks of the README": ours("edsr"),
        "FSRCNN, luma; the scale must be given": ours("fsrcnn"),
        "Compact x4": compact(4),
        "Compact x1": compact(1),
        "Compact of one channel": compact(2, 1),
        "Compact of five channels": compact(2, 5),
        "Compact with ReLU; `slope=0.1` for leaky ReLU": compact(2, act_type="relu"),
        "SPAN x2, re-parameterised": span(2),
        "SPAN x1, re-parameterised": span(1),
        "SPAN without normalisation": span(4, norm=False),
        "SPAN, folded": {
            key: value for key, value in span(2).items() if not re.search(r"\.(sk|conv)\.", key)
        },
        "SPANPlus, pixel shuffle": plus,
        "SPANPlus, sampling at computed positions (`dys`)": positions,
        "SPANPlus without its last block": {
            key: one for key, one in plus.items() if ".block_end." not in key
        },
        "SPANV2": ours("spanv2"),
        "PLKSR": theirs("PLKSR", "PLKSR", dim=16, n_blocks=1, kernel_size=5),
        "SwinIR": swin(),
        "NAFNet (x1)": theirs("NAFNet", "NAFNet", **naf),
    }  # fmt: skip
    for kind, state in networks.items():
        yield Sample("Networks", kind, saved({"params": state}))


def of_forms() -> Iterator[Sample]:
    """Yield the same network in each kind of file."""
    state, other = ours("rrdbnet"), {"conv.weight": torch.zeros(3, 3)}
    numbers = {"epoch": 3, "best": 0.5, "name": "mine"}
    contents = {
        "the weights alone": state,
        "`params_ema` beside `params`": {"params": other, "params_ema": state},
        "`ema` beside `model`": {"model": other, "ema": state},
        "`state_dict` beside an optimiser": {"state_dict": state, "optimizer": {"lr": 0.1}},
        "`net_g` beside `net_d`": {"net_g": state, "net_d": other},
        "prefix `module.`": under("module.", state),
        "prefix `generator.`": under("generator.", state),
        "prefix `model.net_g.`": under("model.net_g.", state),
        "`generator.` and `discriminator.`": under("generator.", state)
        | under("discriminator.", other),
        "`net_g.` and `net_g_ema.`": under("net_g.", state) | under("net_g_ema.", state),
        "`generator.` in a larger network": under("generator.", state) | under("encoder.", other),
        "prefix `net_g.`, SwinIR": under("net_g.", swin()),
        "numbers and texts beside the weights": state | numbers,
        "NumPy's numbers beside the weights": state | {"psnr": np.float64(31.5)},
        "a counter as a tensor beside the weights": state | {"n_averaged": torch.tensor(5)},
        "NumPy's arrays in a log": {"state_dict": state, "log": {"losses": np.ones(3)}},
        "a NumPy array among the weights": state | {"mean": np.ones(3)},
        "a whole pickled module": torch.nn.Conv2d(3, 3, 3),
    }  # fmt: skip
    for kind, content in contents.items():
        yield Sample("Files", kind, saved(content))
    yield Sample("Files", "safetensors", lambda path: save_file(state, path), ".safetensors")
    yield Sample("Files", "a zip archive that contains the .pth file", zipped, ".zip")
    yield Sample("Files", "a zip archive that contains two checkpoints", two_zipped, ".zip")
    yield Sample("Files", "a zip archive in a zip archive", zip_zipped, ".zip")
    yield Sample("Files", "a folder that contains the .pth file", folder, "")
    yield Sample("Files", "a TorchScript program", script)


def of_packages() -> Iterator[Sample]:
    """Yield model packages of bioimage.io."""
    import bioimage_packages as made  # helps the tests, too

    raw = np.random.default_rng(0).random((1, 1, 24, 24)).astype(np.float32)

    def package(
        kind: str, network: Any = made.Enlarger, *, wrong: bool = False, **options: Any
    ) -> Callable[[Path], object]:
        shown = options.pop("shown", kind)
        about = made.description(kind, **options)
        with torch.inference_mode():
            result = network().eval()(torch.from_numpy(raw)).numpy() + wrong
        about["weights"] = {kind: about["weights"][kind]}
        parts = made.files(about, made.weights(kind, network), raw, result)
        about["weights"] = {shown: about["weights"][kind]}
        parts["rdf.yaml"] = json.dumps(about).encode()
        return lambda path: made.write(path, parts)

    softmax = [{"id": "softmax", "kwargs": {"axis": "channel"}}]
    packages = {
        "ONNX, halo stated": package("onnx"),
        "TorchScript, halo stated": package("torchscript"),
        "ONNX, no halo stated": package("onnx", halo=None),
        "a network that needs the whole plane": package("torchscript", made.Everywhere),
        "weights for PyTorch's own code only": package("torchscript", shown="pytorch_state_dict"),
        "`softmax` after the network": package("onnx", after=softmax),
        "the author's test result does not come out": package("onnx", wrong=True),
    }
    for kind, write in packages.items():
        yield Sample("Packages", kind, write, ".zip")


def zipped(path: Path) -> None:
    """Write a zip archive with a checkpoint."""
    inner = path.with_suffix(".inner.pth")
    torch.save(ours("edsr"), inner)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "weights/4x.pth")


def two_zipped(path: Path) -> None:
    """Write a zip archive with two checkpoints."""
    zipped(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("weights/2x.pth", b"")


def zip_zipped(path: Path) -> None:
    """Write a zip archive that contains another one."""
    zipped(path.with_suffix(".inner.zip"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.with_suffix(".inner.zip"), "models/4x.zip")


def folder(path: Path) -> None:
    """Write a folder with a checkpoint."""
    path.mkdir()
    torch.save(ours("edsr"), path / "4x.pth")


def script(path: Path) -> None:
    """Write a TorchScript program."""
    torch.jit.save(torch.jit.trace(torch.nn.Conv2d(3, 3, 3), torch.zeros(1, 3, 8, 8)), path)


def opened(tree: Path, paths: list[Path]) -> dict[str, list[Any]]:
    """Open files in a process that imports a tree's code; return what happened, by path."""
    places = (tree / "src", tree / "kernels")
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", OPENER, *map(str, paths)],
        env=known, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, list[Any]] = json.loads(told.stdout.splitlines()[-1])
    return found


def in_words(found: list[Any], path: Path) -> str:
    """Return what happened to a file, as a cell of the table."""
    if found[0] == "refused":
        reason = found[1].replace(f"the model package {path}", "")
        reason = reason.replace(str(path), "").strip(" :")
        reason = re.sub(r"^a checkpoint must match.*", "matches no network", reason)
        reason = reason if len(reason) <= 110 else f"{reason[:107].rstrip()}..."
        return f"refused: {reason.replace('|', '/').replace('*', '')}"
    by = "by spandrel, " if "spandrel" in found[1] else ""
    how = "**exact**" if found[0] == "exact" else f"{by}not exact"
    if "(bioimage.io)" in found[1]:
        return "opens; whole planes" if "differ" in found[4] else f"opens; tiles overlap {found[4]}"
    if found[2] != 1:
        return how
    return f"{how}; gets {'grey as it is' if found[3] else 'luma'}"


def tables(before: Path | None) -> dict[tuple[str, str], list[str]]:
    """Return the cells of each row by group and kind: now, and before if there is such a tree."""
    with tempfile.TemporaryDirectory() as place:
        samples = [*of_networks(), *of_forms(), *of_packages()]
        paths = [Path(place) / f"{index}{one.suffix}" for index, one in enumerate(samples)]
        for one, path in zip(samples, paths, strict=True):
            one.write(path)
        trees = [ROOT] if before is None else [before, ROOT]
        results = [opened(tree, paths) for tree in trees]
        return {
            (one.group, one.kind): [in_words(found[str(path)], path) for found in results]
            for one, path in zip(samples, paths, strict=True)
        }


def as_table(rows: dict[tuple[str, str], list[str]], group: str) -> str:
    """Return the table of one group."""
    lines = [
        f"| {kind} | {' | '.join(cells)} |\n"
        for (of_group, kind), cells in rows.items()
        if of_group == group
    ]
    return f"| file | before ({BEFORE}) | now |\n| --- | --- | --- |\n{''.join(lines)}"


def stale(page: str, rows: dict[tuple[str, str], list[str]]) -> list[str]:
    """Return the kinds whose last cell differs from the page's."""
    shown = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 3:
            shown[cells[0]] = cells[2]
    return [kind for (_, kind), cells in rows.items() if shown.get(kind) != cells[-1]]


def write() -> None:
    """Compare with the commit `BEFORE`, and write the page's tables."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "before"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(tree), BEFORE], check=True)
        try:
            rows = tables(tree)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
    groups = iter(("Networks", "Files", "Packages"))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(ROWS.sub(lambda _: as_table(rows, next(groups)), page), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only name the rows that differ now")
    if parser.parse_args().check:
        sys.exit("\n".join(stale(PAGE.read_text(encoding="utf-8"), tables(None))))
    write()
