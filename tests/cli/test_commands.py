"""Help and mistakes come at once; what commands do is tested with `napari_sr.cli.app`."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from napari_sr.cli.commands import app


@pytest.mark.parametrize("command", ["upscale", "evaluate", "train", "models", "export", "demo"])
def test_every_command_explains_itself(command):
    printed = CliRunner().invoke(app, [command, "--help"])

    assert (printed.exit_code, command in printed.output) == (0, True)


def test_help_brings_no_torch():
    code = "import sys, napari_sr.cli.commands; print('torch' in sys.modules)"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "False"
