from __future__ import annotations

import pickle
from collections import OrderedDict

import pytest
import torch

from napari_sr.zoo import torch_records
from napari_sr.zoo.limits import RefusedError
from napari_sr.zoo.stored_tensor import Unusable
from napari_sr.zoo.torch_records import KNOWN, PickledTensor, Storage, mapping, put

STORAGE = Storage("0", torch.float32, 6)
REBUILD = KNOWN["torch._utils._rebuild_tensor_v2"]


def test_every_name_stands_for_a_record_and_none_for_what_it_names():
    assert KNOWN["torch.float16"] is torch.float16
    assert KNOWN["torch.HalfStorage"] is torch.float16
    for name in ("torch.Tensor", "builtins.bytearray", "torch.device"):
        assert isinstance(KNOWN[name], Unusable)
    for called in torch_records.CALLED:
        assert called is tuple or called.__module__ == torch_records.__name__


def test_a_tensor_is_noted_by_storage_shape_and_strides():
    noted = REBUILD(STORAGE, 1, (2, 2), (2, 1), False, {})

    assert noted == PickledTensor(STORAGE, torch.float32, 1, (2, 2), (2, 1))


@pytest.mark.parametrize(
    "arguments",
    [
        (STORAGE, -1, (2,), (1,)),
        (STORAGE, 0, (-2,), (1,)),
        (STORAGE, 0, (2,), (-1,)),
        (STORAGE, 0, (2,), (1, 1)),
        (STORAGE, 0, (2.0,), (1,)),
        (STORAGE, True, (2,), (1,)),
        ("storage", 0, (2,), (1,)),
        (Storage("0", None, 6), 0, (2,), (1,)),
    ],
    ids=str,
)
def test_a_tensor_that_cannot_be_is_refused(arguments):
    with pytest.raises(pickle.UnpicklingError, match=r"a tensor needs .*"):
        REBUILD(*arguments, False, {})


@pytest.mark.parametrize("version", [2, 3])
def test_a_negative_view_is_not_taken_for_what_it_negates(version):
    rebuild = KNOWN[f"torch._utils._rebuild_tensor_v{version}"]
    dtype = (torch.float32,) if version == 3 else ()

    noted = rebuild(STORAGE, 0, (2,), (1,), False, {}, *dtype, {"conj": False, "neg": True})
    plain = rebuild(STORAGE, 0, (2,), (1,), False, {}, *dtype, {"conj": False, "neg": False})

    assert isinstance(noted, Unusable)
    assert plain == PickledTensor(STORAGE, torch.float32, 0, (2,), (1,))


def test_an_untyped_storage_gets_the_tensors_type():
    untyped = Storage("0", None, 8)
    rebuild = KNOWN["torch._utils._rebuild_tensor_v3"]

    assert rebuild(untyped, 0, (4,), (1,), False, {}, torch.uint16).dtype == torch.uint16


@pytest.mark.parametrize("name", ["sparse_tensor", "qtensor", "meta_tensor_no_storage"])
def test_other_kinds_of_tensors_are_noted_as_unusable(name):
    assert isinstance(KNOWN[f"torch._utils._rebuild_{name}"](1, 2, 3), Unusable)


def test_tensors_with_attributes_are_tensors():
    arguments = (STORAGE, 0, (6,), (1,), False, {})

    made = KNOWN["torch._tensor._rebuild_from_type_v2"](REBUILD, None, arguments, {"a": 1})

    assert made.shape == (6,)
    assert isinstance(
        KNOWN["torch._tensor._rebuild_from_type_v2"](print, None, ("ran",), {}), Unusable
    )


@pytest.mark.parametrize("items", [[("a", 1)], [["a", 1]], {"a": 1}, OrderedDict(a=1)])
def test_mappings_are_made_of_pairs_and_of_mappings(items):
    assert mapping(items) == {"a": 1}
    assert mapping() == {}


def test_a_key_that_comes_twice_is_refused():
    with pytest.raises(RefusedError, match="has the key 'a' twice"):
        mapping([("a", 1), ("a", 2)])


@pytest.mark.parametrize("key", [(1, 2), [], {}, STORAGE], ids=lambda key: type(key).__name__)
def test_keys_are_plain(key):
    with pytest.raises(pickle.UnpicklingError, match="a key must be a string or a number, got"):
        put({}, key, 1)
