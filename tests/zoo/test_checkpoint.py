"""Checkpoints of every kind are read; what is none is refused in words, and never run."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat

from napari_sr.zoo import checkpoint, limits
from napari_sr.zoo.checkpoint import CheckpointError, open_checkpoint, read_checkpoint

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


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize(
    "beside",
    [
        {"epoch": 3, "name": "mine", "lr": 1e-4, "best": True, "seed": None, "scales": [2, 4]},
        {"psnr": np.float64(31.5), "step": np.int64(7), "half": np.float16(0.5)},
        {"loss": np.array([1.0, 2.0]).mean()},
    ],
    ids=["numbers", "NumPy's", "a mean"],
)
def test_numbers_beside_the_weights_are_ignored_and_named(tmp_path, beside, kind):
    torch.save(STATE | beside, tmp_path / "a", _use_new_zipfile_serialization=kind == "zip")

    found = open_checkpoint(tmp_path / "a")

    assert is_state(found.tensors)
    (remark,) = found.remarks
    assert next(iter(beside)) in remark


def test_arrays_of_an_optimiser_or_a_log_do_not_matter(tmp_path):
    log = {"losses": np.ones(3), "best": np.float32(0.1), "kind": np.dtype("float32")}
    torch.save({"state_dict": STATE, "log": log, "curve": np.ones((2, 2))}, tmp_path / "a")

    assert is_state(read_checkpoint(tmp_path / "a"))


def test_a_running_mean_is_preferred_and_told(tmp_path):
    other = {key: value + 1 for key, value in STATE.items()}
    torch.save({"params": other, "params_ema": STATE, "iter": 5}, tmp_path / "a")

    found = open_checkpoint(tmp_path / "a")

    assert is_state(found.tensors)
    assert found.remarks == ("Weights: the running mean 'params_ema', not 'params'.",)


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
        CheckpointError, match=r"evil\.pth contains more than tensors: .*(system|what it says)"
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

    with pytest.raises(
        CheckpointError, match=r"would run lapsrn\.Net.*ask its author for the state_dict"
    ):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "npz", "mat"])
def test_a_file_cut_off_anywhere_is_refused_in_one_sentence(tmp_path, kind):
    path = tmp_path / "a.pth"
    write(path, kind)
    told_as = r"a\.pth (begins like|is not a checkpoint|contains more)"  # a name may be cut, too
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
        (b"II+\0....", "a TIFF image"),
        (b"\x1f\x8b\x08....", "a gzip archive: unpack it"),
        (b"7z\xbc\xaf\x27\x1c..", "a 7z archive"),
        (b"Rar!\x1a\x07..", "a RAR archive"),
        (bytes(257) + b"ustar\x00", "a tar archive"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as written by Keras and MATLAB 7"),
        (b"\x08\x07\x12\x07pytorch", "an ONNX file"),
        (b'<?xml version="1.0"?><net name="x">', "an XML file"),
        (b"MATLAB 7.3 MAT-file", r"a MATLAB file of version 7\.3: save it with -v7"),
        (b"version https://git-lfs.example/spec/v1", "a Git LFS pointer"),
        (b"hello, world", r"begins with b'hello, world'"),
    ],
)
def test_what_is_no_checkpoint_is_called_what_it_is(tmp_path, content, what):
    (tmp_path / "a.pth").write_bytes(content)

    with pytest.raises(CheckpointError, match=rf"a\.pth.*{what}"):
        read_checkpoint(tmp_path / "a.pth")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint file .*absent\.pth"):
        read_checkpoint(tmp_path / "absent.pth")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ([torch.zeros(1)], "contains a list, not a dict of tensors"),
        (torch.zeros(1), "contains a Tensor, not a dict of tensors"),
        ({}, "contains no tensors"),
        ({"params": {}}, "contains no tensors"),
        ({"a": torch.zeros(1), "b": np.zeros(2)}, "'b' is a NumPy array, not a dense tensor"),
        ({"epoch": 3, "loss": 0.5}, "contains no tensors, but 'epoch', 'loss'"),
        ({"a": torch.eye(2).to_sparse()}, "'a' is a sparse tensor, not a dense tensor"),
        ({"one": STATE, "two": STATE}, "keys could contain the weights .*'one', 'two'"),
        ({"model": STATE, "net": STATE}, "keys could contain the weights .*'model', 'net'"),
        (
            {"a": torch.zeros(1), "b": {"c": torch.zeros(1)}},
            "keys could contain the weights .*'a', 'b'",
        ),
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


def refused(path):
    with pytest.raises(CheckpointError) as told:
        read_checkpoint(path)
    message = str(told.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_the_only_checkpoint_in_a_zip_is_opened(tmp_path, kind):
    write(tmp_path / "inner.pth", kind)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("4x/readme.txt", "hello")
        archive.write(tmp_path / "inner.pth", "../4x/inner.pth")

    opened = open_checkpoint(tmp_path / "a.zip")

    assert opened.tensors.keys() == STATE.keys()
    assert opened.sha256 == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    assert opened.remarks == ("Read from '../4x/inner.pth' in the zip archive.",)
    assert not list(tmp_path.parent.rglob("4x"))  # nothing is unpacked to a file


def test_a_zip_that_holds_several_checkpoints_says_which(tmp_path):
    write(tmp_path / "inner.pth", "zip")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "inner.pth", "4x/inner.pth")
        archive.writestr("other.safetensors", "hello")

    assert refused(tmp_path / "a.zip").endswith(
        "a.zip is a zip archive that contains 4x/inner.pth and other.safetensors: unpack it, and "
        "open one of them"
    )


def test_a_folder_says_what_it_holds(tmp_path):
    folder = tmp_path / "4x.pth"
    folder.mkdir()
    write(folder / "inner.safetensors", "safetensors")

    assert refused(folder).endswith("is a folder that contains inner.safetensors: open that file")


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "a.pth", "zip")

    assert is_state(read_checkpoint("~/a.pth"))
    with pytest.raises(CheckpointError, match=r"there is no checkpoint file ~no such user/a\.pth"):
        read_checkpoint("~no such user/a.pth")


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.int8])
def test_a_small_file_that_expands_is_refused_before_it_does(tmp_path, kind, dtype):
    path = tmp_path / "a.pth"
    torch.save(
        {"params": {"a": torch.zeros(1, dtype=dtype).expand(1 << 20, 1 << 20)}},
        path,
        _use_new_zipfile_serialization=kind == "zip",
    )

    told = "its tensors take 4096.0 GiB or more in float32 ('a' is 1048576 x 1048576)"
    assert told in refused(path)


def test_a_small_file_that_inflates_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LEAST_BYTES", 2 << 20)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "abc":
            archive.writestr(f"{name}.npy", bytes(1 << 20))

    assert "unpack to 3.0 MiB, but only 2.0 MiB" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", ["zip", "safetensors"])
@pytest.mark.parametrize(
    "dtype", [torch.complex64, torch.float8_e4m3fn, torch.float8_e5m2], ids=str
)
def test_types_that_no_network_is_run_with_are_refused(tmp_path, kind, dtype):
    write(tmp_path / "a.pth", kind, {"conv.weight": torch.zeros(2, 2).to(dtype)})

    assert "'conv.weight' has the unsupported type" in refused(tmp_path / "a.pth")


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "npz", "mat"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_no_numbers_are_counted(tmp_path, kind, value):
    weights = torch.ones(2, 3, dtype=torch.float64)
    weights[1, 1] = value
    write(tmp_path / "a", kind, {"weights": weights})

    assert "1 of 6 values of 'weights' are NaN or infinite" in refused(tmp_path / "a")


def test_a_double_that_is_too_large_for_a_float_is_refused(tmp_path):
    write(tmp_path / "a", "npz", {"weights": torch.tensor([1e300], dtype=torch.float64)})

    assert "are NaN or infinite" in refused(tmp_path / "a")


def test_a_mask_may_hide_by_minus_infinity(tmp_path):
    state = {"layer.attn_mask": torch.tensor([0.0, -float("inf")])}
    torch.save(state, tmp_path / "a.pth")

    assert read_checkpoint(tmp_path / "a.pth")["layer.attn_mask"][1] == -float("inf")


@pytest.mark.parametrize("key", [1, b"a", None, 1.5])
def test_keys_are_texts(tmp_path, key):
    torch.save({key: torch.zeros(1)}, tmp_path / "a.pth")

    assert f"its key {key!r} is of type {type(key).__name__}" in refused(tmp_path / "a.pth")


def test_weights_count_and_what_is_beside_them_does_not(tmp_path):
    huge = torch.zeros(1).expand(1 << 20, 1 << 20)
    torch.save({"params": STATE, "optimizer": {"m": huge}}, tmp_path / "a.pth")

    assert is_state(read_checkpoint(tmp_path / "a.pth"))


@pytest.mark.parametrize("kind", ["zip", "legacy", "npz", "mat"])
def test_the_hash_is_of_what_was_read(tmp_path, kind):
    write(tmp_path / "a", kind)

    found = open_checkpoint(tmp_path / "a")

    assert found.sha256 == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    assert found.card == {}


def test_a_card_comes_with_the_tensors(tmp_path):
    save_file(STATE, tmp_path / "a", {"card": '{"scale": 2}'})

    found = open_checkpoint(tmp_path / "a")

    assert is_state(found.tensors)
    assert found.card == {"scale": 2}


def test_a_file_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    write(tmp_path / "a.pth", "zip")

    def refuse(*arguments, **keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "open", refuse)

    with pytest.raises(CheckpointError, match=r"a\.pth cannot be opened: .*Permission denied"):
        read_checkpoint(tmp_path / "a.pth")


def test_another_content_than_is_meant_is_not_opened(tmp_path):
    write(tmp_path / "a", "zip")
    right = hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()

    assert is_state(open_checkpoint(tmp_path / "a", right).tensors)
    with pytest.raises(CheckpointError, match=rf"was changed: its sha256 must be 00, got {right}"):
        open_checkpoint(tmp_path / "a", "00")


def test_a_file_for_which_memory_is_short_is_named(tmp_path, monkeypatch):
    write(tmp_path / "a.pth", "zip")

    def refuse(size):
        raise MemoryError

    monkeypatch.setattr(checkpoint, "check_file", refuse)

    with pytest.raises(CheckpointError, match=r"a\.pth cannot be opened: MemoryError"):
        read_checkpoint(tmp_path / "a.pth")
