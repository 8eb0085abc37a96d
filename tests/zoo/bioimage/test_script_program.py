"""Foreign TorchScript files; none may read or write files, or run while it is loaded."""

from __future__ import annotations

import copy
import io
import zipfile

import numpy as np
import pytest
import torch
from bioimage_packages import Enlarger, weights
from torch import nn

from napari_sr.zoo import cancelling
from napari_sr.zoo.bioimage.script_program import ScriptProgram
from napari_sr.zoo.limits import RefusedError

IMAGE = np.random.default_rng(0).random((1, 1, 9, 14), np.float32)


def test_a_file_computes_its_network():
    found = ScriptProgram(weights("torchscript"))

    with torch.inference_mode():
        wanted = Enlarger().eval()(torch.from_numpy(IMAGE))
    np.testing.assert_allclose(found(IMAGE), wanted, rtol=0, atol=1e-6)
    assert found.weights == 25 * 4 + 4 + 9 * 16 + 4
    assert copy.deepcopy(found) is found
    # two planes of 4 features at once
    assert found.values_at_once((1, 1, 20, 30)) == pytest.approx(8 * 600, abs=700)


def test_an_input_that_does_not_fit_is_an_error_in_one_sentence():
    with pytest.raises(ValueError, match=r"failed for an input of \(1, 2, 9, 14\): .*channels"):
        ScriptProgram(weights("torchscript"))(IMAGE.repeat(2, 1))


class Slow(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        for _ in range(500_000):
            image = image + 0
        return image


def test_a_slow_program_is_left_when_the_user_cancels():
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(Slow()), file)
    program, asked = ScriptProgram(file.getvalue()), []

    def cancelled():
        asked.append(True)
        return len(asked) > 2

    with cancelling.cancelled_if(cancelled), pytest.raises(cancelling.CancelledError):
        program(IMAGE)


class Writing(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        torch.save(image, "stolen")
        return image


class Reading(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + torch.from_file("/etc/passwd", False, 4)


class Stateful(nn.Module):
    @torch.jit.export
    def __getstate__(self):
        return (0, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.training = state[1]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image


@pytest.mark.parametrize("kind", [Writing, Reading, Stateful])
def test_programs_that_do_more_than_compute_are_refused(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(kind()), file)

    with pytest.raises(RefusedError, match="only plain computations"):
        ScriptProgram(file.getvalue())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "call",
    [
        "torch.save\\\n(x, 'stolen')",
        "(torch.save # not seen\n(x, 'stolen'))",
        "f = torch.save\n    f(x, 'stolen')",
    ],
)
def test_other_ways_to_write_the_call_of_an_operator_are_refused(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(weights("torchscript"))) as archive,
        zipfile.ZipFile(changed, "w") as copied,
    ):
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".py") and b"class Enlarger" in content:  # it may be mangled
                head, colon, rest = content.decode().partition("-> Tensor:\n")
                content = f"{head.replace('image: T', 'x: T')}{colon}    {call}\n{rest}".encode()
                content = content.replace(b"(image", b"(x").replace(b" image,", b" x,")
            copied.writestr(name, content)

    with pytest.raises(RefusedError, match="only plain computations"):
        ScriptProgram(changed.getvalue())
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_refused():
    checkpoint = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, checkpoint)
    with pytest.raises(RefusedError, match="contains no program"):
        ScriptProgram(checkpoint.getvalue())
    whole = weights("torchscript")
    for content in (b"", b"PK\x03\x04", whole[: len(whole) // 2]):
        with pytest.raises(RefusedError, match="damaged TorchScript file"):
            ScriptProgram(content)
    lacking = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as source,
        zipfile.ZipFile(lacking, "w") as target,
    ):
        for name in source.namelist():
            if not name.endswith("data.pkl"):
                target.writestr(name, source.read(name))
    with pytest.raises(RefusedError, match="damaged TorchScript file"):
        ScriptProgram(lacking.getvalue())
