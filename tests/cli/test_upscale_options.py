from __future__ import annotations

import inspect
from typing import get_args

import typer

from napari_sr.cli import options, upscale_options
from napari_sr.cli.commands import upscale_command


def test_every_option_is_used_and_explained():
    given = inspect.get_annotations(upscale_command, eval_str=True)
    known = {
        name: get_args(value)[1]
        for name, value in vars(upscale_options).items()
        if isinstance(value, type(options.Scale)) and get_args(value)
    }

    assert len(known) > 20
    used = [get_args(one)[1] for one in given.values() if one is not None]
    for name, option in known.items():
        assert isinstance(option, type(typer.Option()) | type(typer.Argument())), name
        assert option.help, name
        assert any(option is one for one in used), f"{name} is no option of the command"
