"""Recorded checkpoints as Python code."""

from __future__ import annotations

from records import record_of

from napari_sr.runs.recorded import Recorded
from napari_sr.runs.weights_in_python import (
    blended_in_python,
    in_quotes,
    loaded_in_python,
    name_in_python,
)


def own(name, **changes):
    return {"model": name, "scale": 2, "file": f"{name}.pth", "sha256": name, **changes}


def test_a_known_model_has_its_name_and_another_one_its_file():
    (known,) = Recorded.of(record_of()).weights
    (other,) = Recorded.of(record_of(**own("mine"))).weights

    assert name_in_python(known) == '"fsrcnn-x2"'
    assert name_in_python(other) == '"mine.pth"'


def test_a_checkpoint_is_loaded_with_its_options():
    record = record_of(**own("mine", options={"res_scale": 0.1}, full_range=True))
    (found,) = Recorded.of(record).weights

    code = loaded_in_python(found)

    assert code == 'napari_sr.load("mine.pth", 2, full_range=True, res_scale=0.1)'


def test_a_blend_has_both_checkpoints_the_weight_and_the_scale():
    both = [own("a", options={"res_scale": 0.1}), own("b")]
    found = Recorded.of(record_of(blended=both, weight=0.3))

    assert list(blended_in_python(found)) == [
        'napari_sr.load("a.pth", 2, res_scale=0.1)', '"b.pth"', "0.3", "2",
    ]  # fmt: skip


def test_quotes_are_double_unless_the_text_has_them():
    assert [in_quotes("a"), in_quotes('a"b')] == ['"a"', "'a\"b'"]
