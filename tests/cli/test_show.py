"""The command `napari-sr show`."""

from __future__ import annotations

import tomllib

import pytest
from records import record_of

from napari_sr.cli.model import CommandError
from napari_sr.cli.show import in_words, text
from napari_sr.runs.record import RecordError, as_toml, plain
from napari_sr.runs.record_forms import as_command, as_python
from napari_sr.runs.words import TIMES

RECORD = record_of(
    plane=(2,),
    axes="ZYX",
    region=((0, 8), (4, 9)),
    source_path="/data/a.tif",
    seconds=90.0,
    engine={"name": "openvino", "segments": {"openvino": 3, "onnxruntime": 0, "torch": 1}},
)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.toml").write_text(as_toml(RECORD), encoding="utf-8")
    return tmp_path / "a.toml"


def test_the_record_is_told_in_words(path):
    lines = text(path, python=False).splitlines()

    assert lines[0] == "model: fsrcnn-x2, x2"
    assert (
        f"source: layer 'cells', /data/a.tif, 40 {TIMES} 50 uint8, axes ZYX, plane 2, rows 0 to 8, "
        "columns 4 to 9"
    ) in lines
    assert "black and white: 0 to 255" in lines
    assert "engine: openvino (segments: 3 by openvino, 1 by torch)" in lines
    assert "time: 2 minutes" in lines
    assert "note: line" in lines


def test_a_short_record_is_told_too():
    found = {key: RECORD[key] for key in ("model", "scale", "settings")}

    assert list(in_words(found)) == [
        "model: fsrcnn-x2, x2",
        "settings: tile 512, device cpu, precision float32, kernels auto, outliers clip, "
        "ensemble False, border zeros",
        "engine: torch",
    ]


def test_a_result_that_was_made_consistent_says_so():
    found = {key: RECORD[key] for key in ("model", "scale", "settings")}

    (line,) = set(in_words({**found, "consistent": True})) - set(in_words(found))

    assert line == "corrected: by back-projection, to agree with its source"


def test_which_weights_of_a_file_were_chosen_is_told():
    found = {key: RECORD[key] for key in ("model", "scale", "settings")}
    chosen = {"chosen_weights": ["Weights: the running mean 'ema'.", "Tensors: net_g.*."]}

    (line,) = set(in_words({**found, **chosen})) - set(in_words(found))

    assert line == "chosen weights: Weights: the running mean 'ema'. Tensors: net_g.*."
    assert list(in_words({**found, "chosen_weights": 3})) == list(in_words(found))


def test_which_weights_of_each_file_of_a_series_were_chosen_is_told():
    found = {key: RECORD[key] for key in ("scale", "settings")}
    own = {"model": "mine", "scale": 1, "chosen_weights": ["Tensors: net_g.*."]}
    series = [own, {"model": "fsrcnn-x2", "scale": 2}]

    lines = list(in_words({**found, "model": "mine, then fsrcnn-x2", "series": series}))

    assert "chosen weights of mine: Tensors: net_g.*." in lines


def test_each_form_is_printed(path):
    found = plain(tomllib.loads(path.read_text(encoding="utf-8")))

    assert text(path, python=True) == as_python(found).rstrip("\n")
    assert text(path, command=True) == as_command(found)
    assert tomllib.loads(text(path, toml=True)) == found
    with pytest.raises(CommandError, match="only one of --python and --toml"):
        text(path, python=True, toml=True)


def test_a_file_without_a_record_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("text")

    with pytest.raises(RecordError, match=r"a\.txt holds no record of napari-sr"):
        text(tmp_path / "a.txt")
