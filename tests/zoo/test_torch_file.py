"""PyTorch's files give the tensors that PyTorch reads, bit for bit."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from napari_sr.zoo.limits import BROKEN, RefusedError
from napari_sr.zoo.stored_tensor import StoredTensor, Unusable
from napari_sr.zoo.torch_file import read_torch_legacy, read_torch_zip
from napari_sr.zoo.zip_archive import ZipArchive


def saved(content, kind):
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=kind == "zip")
    return file.getvalue()


def read(data):
    return read_torch_zip(ZipArchive(data)) if data[:2] == b"PK" else read_torch_legacy(data)


def tensors():
    torch.manual_seed(0)
    base = torch.randn(4, 5, 6)
    return OrderedDict(
        plain=base,
        transposed=base.permute(2, 0, 1),
        channels_last=torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        part=base[1:3, ::2, 1:],
        expanded=base[:, :1, :1].expand(4, 3, 7),
        tied=base.view(20, 6),
        number=torch.tensor(2.5),
        empty=torch.zeros(0, 3),
        half=base.half(),
        brain=base.bfloat16(),
        double=base.double(),
        long=torch.arange(5),
        byte=torch.arange(5, dtype=torch.uint8)[2:],
        flags=torch.tensor([True, False]),
        complex=torch.tensor([1 + 2j]),
        parameter=torch.nn.Parameter(base[0]),
    )


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_every_layout_and_type_is_what_pytorch_reads(kind):
    expected = tensors()

    found = read(saved(expected, kind))

    assert list(found) == list(expected)
    for key, stored in found.items():
        assert (stored.shape, stored.dtype) == (tuple(expected[key].shape), expected[key].dtype)
        assert torch.equal(stored.read(), expected[key].detach()), key


def test_types_without_a_storage_of_their_own_are_read():
    expected = {"a": torch.tensor([1, 60_000], dtype=torch.uint16)}

    assert torch.equal(read(saved(expected, "zip"))["a"].read(), expected["a"])


def test_a_file_of_the_other_byte_order_is_swapped():
    data, file = saved({"a": torch.tensor([1.0, 2.5])}, "zip"), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            content = b"big" if name.endswith("byteorder") else content
            if "/data/" in name:
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            new.writestr(name, content)

    assert read(file.getvalue())["a"].read().tolist() == [1.0, 2.5]


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_values_of_what_is_not_asked_for_stay_unread(kind):
    found = read(saved({"model": {"a": torch.ones(3)}, "more": [torch.ones(1)], "n": 3}, kind))

    assert isinstance(found["model"]["a"], StoredTensor)
    assert found["n"] == 3


def test_many_views_of_one_block_cost_one_reading():
    base = torch.randn(100_000)
    found = read(saved({str(at): base[at : at + 5] for at in range(500)}, "zip"))

    values = [stored.read() for stored in found.values()]

    assert len({value.untyped_storage().data_ptr() for value in values}) == 1
    assert torch.equal(values[7], base[7:12])


@pytest.mark.parametrize(
    ("tensor", "what"),
    [
        (lambda: torch.eye(2).to_sparse(), "a sparse tensor"),
        (lambda: torch.eye(2).to_sparse_csr(), "a sparse tensor"),
        (
            lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
            "a quantised tensor",
        ),
        (lambda: torch.empty(2, device="meta"), "without values"),
    ],
    ids=["coo", "csr", "quantised", "meta"],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR", "ignore:torch.quantize")
def test_what_is_no_dense_tensor_is_called_what_it_is(tensor, what):
    found = read(saved({"a": tensor()}, "zip"))["a"]

    assert isinstance(found, Unusable)
    assert what in found.what


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_an_expanded_tensor_takes_nothing_until_it_is_read(kind):
    found = read(saved({"a": torch.zeros(1).expand(50_000, 50_000)}, kind))

    assert found["a"].shape == (50_000, 50_000)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_a_shape_beyond_its_values_is_refused(kind):
    # (2, 6) of 4 values: the shape is two small numbers in the pickle
    data = saved({"a": torch.zeros(2, 2)}, kind)
    assert data.count(b"K\x02K\x02\x86") == 1

    with pytest.raises((*BROKEN, RefusedError), match="needs 40 bytes of block"):
        read(without_checksums(data.replace(b"K\x02K\x02\x86", b"K\x02K\x08\x86")))


def without_checksums(data):
    """Return an archive as `torch.save` writes it where it computes no checksums."""
    if data[:2] != b"PK":
        return data
    result = bytearray(data)
    at = -1
    while (at := result.find(b"PK\x01\x02", at + 1)) >= 0:
        result[at + 16 : at + 20] = bytes(4)
    return bytes(result)


def test_a_pickle_of_something_else_is_no_program():
    with pytest.raises(ValueError, match=r"a pickle that torch\.save did not write"):
        read(pickle.dumps({"a": 1}, 2) + pickle.dumps(2))


def test_a_missing_block_is_named():
    file = io.BytesIO()
    data = saved({"a": torch.zeros(2)}, "zip")
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if not name.endswith("data/0"):
                new.writestr(name, old.read(name))

    with pytest.raises(RefusedError, match=r"its part '\w+/data/0' is missing"):
        read(file.getvalue())


def test_every_shared_checkpoint_is_what_pytorch_reads(shared):
    for path in sorted((shared / "weights").rglob("*.pth"), key=lambda path: path.stat().st_size)[
        :12
    ]:
        try:
            expected = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            continue
        found = read(path.read_bytes())
        while len(expected) < 4 and any(isinstance(one, dict) for one in expected.values()):
            key = next(key for key, one in expected.items() if isinstance(one, dict))
            expected, found = expected[key], found[key]
        for key, value in expected.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(found[key].read(), value), (path, key)
