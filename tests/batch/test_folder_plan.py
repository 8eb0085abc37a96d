"""What a run over a folder needs is checked before anything is computed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from blocks import SETTINGS
from folders import files_in, tree_of

from napari_sr.batch.folder_plan import FolderJob, plan
from napari_sr.batch.job import FileJob
from napari_sr.runs.model import ModelReference


@pytest.fixture
def folder_job(tmp_path):
    """Return the task to upscale all PNGs and TIFFs in a folder."""
    tree_of(tmp_path / "in", "a.tif", "x/b.png")
    job = FileJob(tmp_path / "in", tmp_path / "out", ModelReference(), SETTINGS)
    return FolderJob(job, ["**/*.tif", "**/*.png"])


def test_each_source_gets_a_result(folder_job):
    found = plan(replace(folder_job, to=".ome.tif"))

    names = [(str(source), str(result)) for source, result in found.results]
    assert names == [("a.tif", "a.ome.tif"), ("x/b.png", "x/b.ome.tif")]
    assert found.unreadable == {}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"patterns": ["*.gif"]}, r"no file in .*in matches \*\.gif"),
        ({"patterns": ["../*"]}, r"got '\.\./\*'"),
        ({"to": ".gif"}, "got .gif"),
    ],
)
def test_a_wrong_task_is_refused(tmp_path, folder_job, changes, what):
    before = files_in(tmp_path)

    with pytest.raises(ValueError, match=what):
        plan(replace(folder_job, **changes))

    assert files_in(tmp_path) == before
