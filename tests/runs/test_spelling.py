"""Messages name arguments as Python does; users of commands and forms read their own words."""

from __future__ import annotations

import ast
import re

import pytest
from test_house import SOURCES

from napari_sr import models
from napari_sr.runs.spelling import FIELDS, UNSEEN, as_fields, as_options

NAMES = ("scale", "value_range", "axes", "consistent", "pixel_size", "option")
OPTIONS = {name: f"--{name.replace('_', '-')}" for name in NAMES}
OF_PARTS = {
    "alpha", "background", "batch", "bits", "by", "channels", "count", "crop", "depth", "end",
    "full_range", "heads", "kernel", "max_graphs", "method", "norm", "offset", "padding", "rank",
    "recursions", "reduction", "scales", "seed", "size", "splits", "supervision",
}  # fmt: skip
"""Arguments of networks, of parts of recipes and of internal classes. Their users know them so."""
PLACES = {"x", "y"}
"""Letters before indices of pixels."""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("give scale=, or one of a", "give --scale, or one of a"),
        ("2 times, got scale=3", "2 times, got --scale 3"),
        ("got pixel_size=(0.1, 2), scale=None", "got --pixel-size 0.1 2, no --scale"),
        ("such as axes='YXC' or axes='ZYX'", "such as --axes YXC or --axes ZYX"),
        ("needs value_range=(low, high), such", "needs --value-range low high, such"),
        ("value_range must be", "--value-range must be"),
        ("value_range (--value-range 0 9)", "value_range (--value-range 0 9)"),
        ("corrected (consistent=True).", "corrected (--consistent)."),
        ("got consistent=False", "got no --consistent"),
        ("give slope=0.1 if", "give --option slope=0.1 if"),
    ],
)
def test_a_command_reads_its_options(message, told):
    assert as_options(message, OPTIONS) == told


@pytest.mark.parametrize(
    "message",
    [
        "there is no file /data/scale=2/a.tif",
        "there is no file of scale=2.tif",
        "got 'scale=2', blend=2",
        "at y=2, x=3",
        "the scale must be at most 4",
        "value_range.tif is empty",
        "write it with upscale(scale=...)",
    ],
)
def test_a_users_texts_and_unknown_arguments_are_kept(message):
    assert as_options(message, OPTIONS) == message


def test_without_networks_their_options_are_kept():
    assert as_options("give slope=0.1", {"scale": "--scale"}) == "give slope=0.1"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("give scale=, or one of a", "give Scale, or one of a"),
        ("unless value_range=(low, high) says", "unless Values (low, high) says"),
        ("give res_scale=0.1", "give res scale 0.1"),
        ("finished blocks are kept, and --resume continues", "blocks are kept, and Run continues"),
        ("(--overwrite starts again)", "(another folder starts again)"),
        ("--pattern needs names", "Files needs names"),
        ("see --help", "see --help"),
    ],
)
def test_a_form_names_its_fields(message, told):
    assert as_fields(message).endswith(told)


def test_all_options_that_networks_ask_for_are_known():
    records = map(models.architecture, models.names())

    assert {name for record in records for name in record.unseen} <= set(UNSEEN)


def messages(tree):
    """Yield the fixed texts in all errors and warnings."""
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("warn")
        for text in ast.walk(node) if is_call or isinstance(node, ast.Raise) else ():
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def test_every_argument_in_a_message_has_a_word_in_forms():
    named = {
        name
        for path in SOURCES
        for message in messages(ast.parse(path.read_text(encoding="utf-8")))
        for name in re.findall(r"(?<![^\s(])(?<!\w\()([a-z_]+)=", message)
    }

    assert named - set(FIELDS) - OF_PARTS - PLACES == set()
