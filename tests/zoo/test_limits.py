from __future__ import annotations

import pytest

from napari_sr.zoo import limits
from napari_sr.zoo.limits import RefusedError


@pytest.mark.parametrize(
    ("file_bytes", "allowed"),
    [(0, 256 << 20), (16 << 20, 256 << 20), (100 << 20, 1600 << 20), (1 << 32, 4 << 30)],
)
def test_tensors_may_take_sixteen_times_the_file_between_two_bounds(file_bytes, allowed):
    assert limits.bytes_allowed(file_bytes) == allowed


def test_a_file_beyond_the_limit_is_refused_with_its_size():
    limits.check_file(4 << 30)

    with pytest.raises(RefusedError, match=r"has 5\.0 GiB: a checkpoint may have at most 4\.0 GiB"):
        limits.check_file(5 << 30)


def test_what_unpacks_to_more_is_refused_with_both_sizes():
    limits.check_unpacked(256 << 20, 1000)

    with pytest.raises(RefusedError, match=r"1000 bytes unpack to 3\.0 GiB.* 256\.0 MiB"):
        limits.check_unpacked(3 << 30, 1000)


@pytest.mark.parametrize(
    "shape",
    [(1 << 14, 1 << 14), (1 << 40,), (0, 1 << 32), (10**30, 10**30), (1 << 31, 0)],
    ids=str,
)
def test_a_tensor_that_is_too_large_is_named_with_its_shape(shape):
    with pytest.raises(RefusedError, match=r"its tensors take .* in float32 \('b' is "):
        limits.check_tensors([("a", (3, 3)), ("b", shape)], 1000)


def test_small_tensors_count_together():
    limits.check_tensors([(str(key), (1 << 10, 1 << 10)) for key in range(64)], 1000)

    with pytest.raises(RefusedError, match=r"\('64' is 1"):
        limits.check_tensors([(str(key), (1 << 10, 1 << 10)) for key in range(65)], 1000)


def test_too_many_tensors_are_refused():
    with pytest.raises(RefusedError, match="more than 10,000 tensors"):
        limits.check_tensors([("a", ())] * 10_001, 1000)


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "1 bytes"), (1536, "1.5 KiB"), (1 << 30, "1.0 GiB"), (10**30, "9.3e+20 GiB")],
)
def test_sizes_are_told_in_words(count, words):
    assert limits.size_of(count) == words


def test_an_error_without_words_is_told_by_its_type():
    assert limits.first_line(EOFError()) == "EOFError"
    assert limits.first_line(ValueError("\n one \n two")) == "one "
