"""Checkpoints of every kind are read; what is none is refused in words, and never run."""

from __future__ import annotations

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat

from napari_sr.zoo.checkpoint import CheckpointError, read_checkpoint

STATE = {"conv.weight": torch.arange(6.0).reshape(2, 3), "conv.bias": torch.ones(2)}


def write(path, kind, state=STATE):
    if kind == "npz":
        with path.open("wb") as file:
            np.savez(file, **{key: value.numpy() for key, value in state.items()})
    elif kind == "mat":
        with path.open("wb") as file:
            savemat(file, {key: value.numpy() for key, value in state.items()}, oned_as="row")
    elif kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")


def is_state(tensors):
    return tensors.keys() == STATE.keys() and all(
        torch.equal(tensors[key], value) and tensors[key].dtype == torch.float32
        for key, value in STATE.items()
    )


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "a.npz", "a"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "npz"])
def test_content_decides_and_not_the_name(tmp_path, kind, name):
    write(tmp_path / name, kind)

    tensors = read_checkpoint(str(tmp_path / name))

    assert is_state(tensors)


@pytest.mark.parametrize(
    "wrapped",
    [
        {"params": STATE},
        {"params": {"other": torch.zeros(1)}, "params_ema": STATE},
        {"state_dict": STATE, "optimizer": {"lr": 1e-3}, "epoch": 3},
        {"model": {"state_dict": STATE}},
        {"net": STATE, "acc": 0.5},
        {"generator": STATE, "discriminator": {"x": torch.zeros(1)}},
        {"anything": STATE},
        {f"module.{key}": value for key, value in STATE.items()},
        {"params": {f"module._orig_mod.{key}": value for key, value in STATE.items()}},
        {key: torch.nn.Parameter(value) for key, value in STATE.items()},
    ],
    ids=lambda wrapped: "-".join(list(wrapped)[:2]),
)
def test_wrappers_and_prefixes_come_off(tmp_path, wrapped):
    torch.save(wrapped, tmp_path / "a.pth")

    tensors = read_checkpoint(tmp_path / "a.pth")

    assert is_state(tensors)
    assert not any(value.requires_grad for value in tensors.values())


def test_a_prefix_that_only_some_keys_have_stays(tmp_path):
    torch.save({"module.a": torch.zeros(1), "b": torch.zeros(1)}, tmp_path / "a.pth")

    assert set(read_checkpoint(tmp_path / "a.pth")) == {"module.a", "b"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_any_width_become_float32(tmp_path, dtype):
    write(tmp_path / "a.pth", "zip", {key: value.to(dtype) for key, value in STATE.items()})

    assert is_state(read_checkpoint(tmp_path / "a.pth"))


def test_matlab_files_are_known_by_their_content(tmp_path):
    write(tmp_path / "a.pth", "mat", {"conv1": STATE["conv.weight"].double()})

    (tensor,) = read_checkpoint(tmp_path / "a.pth").values()

    assert torch.equal(tensor, STATE["conv.weight"])


def test_counters_stay_integers(tmp_path):
    torch.save({"steps": torch.tensor(3)}, tmp_path / "a.pth")

    assert read_checkpoint(tmp_path / "a.pth")["steps"].dtype == torch.int64


def test_arrays_of_the_other_byte_order_are_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([1, 2, 3], dtype=">f4"))

    assert read_checkpoint(tmp_path / "a.npz")["x"].tolist() == [1, 2, 3]


def test_a_checkpoint_saved_on_a_gpu_loads_on_the_cpu(tmp_path):
    # the file of a CUDA tensor differs in one string only: where its storage was
    torch.save(STATE, tmp_path / "cpu.pth")
    with (
        zipfile.ZipFile(tmp_path / "cpu.pth") as source,
        zipfile.ZipFile(tmp_path / "gpu.pth", "w") as target,
    ):
        for member in source.namelist():
            content = source.read(member)
            if member.endswith("data.pkl"):
                content = content.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0")
                assert b"cuda:0" in content
            target.writestr(member, content)

    tensors = read_checkpoint(tmp_path / "gpu.pth")

    assert is_state(tensors)
    assert tensors["conv.bias"].device.type == "cpu"


class Malice:
    """Runs a program when a pickle of it is opened."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_a_pickle_that_would_run_a_program_is_refused_and_not_run(tmp_path, kind):
    target, path = tmp_path / "ran", tmp_path / "evil.pth"
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"a": Malice(target)}))
    else:
        torch.save({"a": Malice(target)}, path, _use_new_zipfile_serialization=kind == "zip")

    with pytest.raises(
        CheckpointError, match=r"evil\.pth holds more than tensors: .*(system|what it says)"
    ):
        read_checkpoint(path)

    assert not target.exists()


def test_an_array_of_objects_is_refused_and_not_run(tmp_path):
    target = tmp_path / "ran"
    np.savez(tmp_path / "a.npz", x=np.array([Malice(target)], dtype=object))

    with pytest.raises(CheckpointError, match=r"its entry 'x' cannot be read as numbers"):
        read_checkpoint(tmp_path / "a.npz")

    assert not target.exists()


def test_a_whole_pickled_module_is_refused_with_what_to_do(shared):
    path = shared / "weights" / "lapsrn" / "twtygqyy_model_epoch_100.pth"

    with pytest.raises(CheckpointError, match=r"would run lapsrn\.Net.*save the state_dict alone"):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "npz", "mat"])
def test_a_file_cut_off_anywhere_is_refused_in_one_sentence(tmp_path, kind):
    path = tmp_path / "a.pth"
    write(path, kind)
    told_as = r"a\.pth (begins like|is no checkpoint|holds more)"  # a name may be cut, too
    content = path.read_bytes()

    for length in {*range(1, 40), *range(40, len(content), 37), len(content) - 1}:
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=told_as) as told:
            read_checkpoint(path)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n <html>", "a web page"),
        (b"\x89PNG\r\n\x1a\n....", "a PNG image"),
        (b"\xff\xd8\xff\xe0....", "a JPEG image"),
        (b"II*\0....", "a TIFF image"),
        (b"MATLAB 7.3 MAT-file", r"a MATLAB file of version 7\.3: save it with -v7"),
        (b"version https://git-lfs.example/spec/v1", "a Git LFS pointer"),
        (b"hello, world", r"begins with b'hello, world'"),
    ],
)
def test_what_is_no_checkpoint_is_called_what_it_is(tmp_path, content, what):
    (tmp_path / "a.pth").write_bytes(content)

    with pytest.raises(CheckpointError, match=rf"a\.pth.*{what}"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["absent.pth", "."])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint file .*test_a_file"):
        read_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ([torch.zeros(1)], "holds a list, not tensors by key"),
        (torch.zeros(1), "holds a Tensor, not tensors by key"),
        ({}, "holds no tensors"),
        ({"params": {}}, "holds no tensors"),
        ({"a": torch.zeros(1), "epoch": 3}, "'epoch' is a int, not a dense tensor"),
        ({"a": torch.eye(2).to_sparse()}, "'a' is a torch.float32, not a dense tensor"),
        ({"netG": STATE, "netD": STATE}, "which of its parts are the weights: .*'netG', 'netD'"),
        ({"model": STATE, "net": STATE}, "which of its parts are the weights: .*'model', 'net'"),
        ({"a": torch.zeros(1), "b": {"c": torch.zeros(1)}}, "which of its parts .*'a', 'b'"),
    ],
)
def test_a_torch_file_of_something_else_is_refused(tmp_path, content, what):
    torch.save(content, tmp_path / "a.pth")

    with pytest.raises(CheckpointError, match=what):
        read_checkpoint(tmp_path / "a.pth")


def test_a_torchscript_program_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/constants.pkl", b"")
        archive.writestr("a/data.pkl", b"")

    with pytest.raises(CheckpointError, match=r"a\.pt is a TorchScript program"):
        read_checkpoint(tmp_path / "a.pt")
