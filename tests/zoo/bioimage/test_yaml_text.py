"""YAML texts, and those that were made to do harm."""

from __future__ import annotations

import pytest

from napari_sr.zoo.bioimage.yaml_text import read_yaml
from napari_sr.zoo.limits import RefusedError


def test_numbers_of_both_versions_of_yaml_are_numbers():
    found = read_yaml(b"a: 1e-06\nb: 1.5\nc: 3\nd: -2E3\ne: 0.5.4\nf: [y, x]\ng: null")

    assert found == {
        "a": 1e-6, "b": 1.5, "c": 3, "d": -2000.0, "e": "0.5.4", "f": ["y", "x"], "g": None,
    }  # fmt: skip
    assert type(found["c"]) is int


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a: &x [1, *x]", "contains itself"),
        (b"a: &x {b: *x}", "contains itself"),
        (b"a: !!python/object/apply:os.system ['true']", "not YAML"),
        (b"a: [" + b"[" * 100 + b"]" * 100 + b"]", "nested more than 40 times"),
        (b"[1, 2]", "is a list, not a table"),
        (b"", "is a NoneType, not a table"),
        (b"a: \xff", "not YAML"),
        (b"a: [1", "not YAML"),
        (b"? [a]\n: b", "not YAML"),
    ],
)
def test_anything_else_is_refused(text, words):
    with pytest.raises(RefusedError, match=words):
        read_yaml(text)


def test_references_are_followed():
    assert read_yaml(b"a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_a_billion_laughs_end_at_once():
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    with pytest.raises(RefusedError, match="more than 100,000 values"):
        read_yaml("\n".join(lines).encode())
