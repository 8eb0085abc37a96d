"""Every checkpoint that is known here is of exactly one network, and of the right one."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from reference import SHARED, cases

from napari_sr import models
from napari_sr.zoo import recognition
from napari_sr.zoo.checkpoint import CheckpointError, read_checkpoint

FILES = sorted(
    path.relative_to(SHARED / "weights").as_posix()
    for path in (SHARED / "weights").glob("*/*")
    if not path.stem.endswith("_opts")  # how MS-LapSRN was trained, without weights
)
OTHER_THAN_THEIR_FOLDER = {
    "bsrn/net_g_BSRN-S.pth": "bsrn_s",
    "imdn/ntire2022_imdn_baseline.pth": "imdn_ntire",
    "lapsrn/MSLapSRN_D5R2.mat": "mslapsrn",
    "lapsrn/MSLapSRN_D5R5.mat": "mslapsrn",
}
PROGRAMS = {"lapsrn/twtygqyy_model_epoch_100.pth"}
"""Pickled code, which is not opened; its tensors are in another file."""
SYNTHETIC = {
    "BSRN": "bsrn",
    "DRRN": "drrn",
    "EDSR": "edsr",
    "ESPCN": "espcn",
    "ESRT": "esrt",
    "FSRCNN": "fsrcnn",
    "Johnson": "johnson",
    "MDSR": "mdsr",
    "MSRResNet": "srresnet",
    "RRDBNet": "rrdbnet",
    "SRResNet": "srgan",
}


def network_of(state):
    record, _, _ = recognition.recognise(state)
    return next(name for name in models.names() if models.architecture(name) is record)


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_of_the_network_that_it_was_saved_from(file):
    path = SHARED / "weights" / file
    if file in PROGRAMS:
        with pytest.raises(CheckpointError, match="contains more than tensors"):
            read_checkpoint(path)
        return

    name = network_of(read_checkpoint(path))

    assert name == OTHER_THAN_THEIR_FOLDER.get(file, PurePosixPath(file).parent.name)


@pytest.mark.parametrize("case", cases("synth_"))
def test_tensors_of_reference_code_are_of_the_network_that_it_defines(case):
    with np.load(SHARED / "cases" / f"{case}.npz") as arrays:
        keys = [key for key in arrays.files if key.startswith("sd/")]
        state = {key.removeprefix("sd/"): torch.from_numpy(arrays[key]) for key in keys}

    name = network_of(state)

    assert name == SYNTHETIC[case.split("_")[1]]
