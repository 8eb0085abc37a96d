"""Packages that stand on torchvision are imported, whichever torch it was built for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from napari_sr.zoo._torchvision import import_on_torchvision

OF_ANOTHER_BUILD = """
import torch
{register}
USABLE = True
"""


def imported(tmp_path, source):
    """Import a package over a stand-in for torchvision, in a process of its own."""
    (tmp_path / "torchvision.py").write_text(source)
    (tmp_path / "package.py").write_text("import torchvision\nusable = torchvision.USABLE\n")
    code = (
        "import json, sys\n"
        f"sys.path.insert(0, {json.dumps(str(tmp_path))})\n"
        "from napari_sr.zoo._torchvision import import_on_torchvision\n"
        "print(import_on_torchvision('package').usable)\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_operators_without_code_are_declared(tmp_path):
    register = "\n".join(
        f"torch.library.register_fake('torchvision::{name}')(lambda *given: given[0])"
        for name in ("nms", "qnms")
    )

    found = imported(tmp_path, OF_ANOTHER_BUILD.format(register=register))

    assert found.stdout == "True\n", found.stderr


def test_another_failure_is_handed_on(tmp_path, monkeypatch):
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('no such library')")
    (tmp_path / "needs_it.py").write_text("import torchvision\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    import_on_torchvision.cache_clear()

    with pytest.raises(RuntimeError, match="no such library"):
        import_on_torchvision("needs_it")


def test_a_missing_package_is_told(monkeypatch):
    import_on_torchvision.cache_clear()
    monkeypatch.setitem(sys.modules, "torchvision", None)

    with pytest.raises(ImportError, match="torchvision"):
        import_on_torchvision("piq")
