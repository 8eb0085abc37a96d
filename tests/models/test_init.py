"""Finding the network of a checkpoint."""

from __future__ import annotations

import subprocess
import sys

import pytest

from napari_sr import models


def test_names_are_the_files_of_networks():
    names = models.names()

    assert {"bsrn", "bsrn_s", "edsr", "fsrcnn", "imdn", "imdn_ntire", "rfdn"} < set(names)
    assert names == sorted(names)
    assert not {"resize", "_blocks", "_network"} & set(names)


def test_listing_names_imports_neither_torch_nor_a_network():
    code = (
        "import sys; from napari_sr import models; models.names();"
        "sys.exit('torch' in sys.modules or 'napari_sr.models.bsrn' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_name_is_named_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"there is no network 'srcn'; there are bsrn, bsrn_s,"):
        models.architecture("srcn")
