"""Records are checked by type, and refused if weights are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import Nearest
from hypothesis import given
from records import record_of, records

from napari_sr.engine.execution.run_record import versions
from napari_sr.engine.planning.settings import Settings
from napari_sr.runs.record import RecordError, plain
from napari_sr.runs.recorded import Recorded


@given(records())
def test_the_settings_are_those_of_the_record(record):
    found = Recorded.of(record)

    asked = record["settings"]
    assert found.chosen() == Settings(**asked)
    assert found == Recorded.of(plain(record))
    assert found.is_file


def test_a_known_model_needs_no_file():
    reference = Recorded.of(record_of(file=None)).reference()

    assert (reference.name, reference.scale, reference.second) == ("fsrcnn-x2", 2, None)


def own(folder, name, **changes):
    """Return the record of a checkpoint beside the record."""
    (folder / name).write_bytes(b"weights")
    return {"model": "mine", "scale": 2, "file": name, "sha256": "12", **changes}


def test_checkpoints_are_looked_for_beside_the_record(tmp_path):
    both = [own(tmp_path, "a.pth", options={"res_scale": 0.1}), own(tmp_path, "b.pth")]

    reference = Recorded.of(record_of(blended=both, weight=0.3)).reference(tmp_path)

    assert (reference.name, reference.options) == (tmp_path / "a.pth", (("res_scale", 0.1),))
    assert (reference.second.name, reference.weight) == (tmp_path / "b.pth", 0.3)


def test_the_second_network_of_a_series_reads_the_result_of_the_first(tmp_path):
    both = [own(tmp_path, "a.pth", scale=1), own(tmp_path, "b.pth")]

    reference = Recorded.of(record_of(series=both)).reference(tmp_path)

    assert (reference.name, reference.scale, reference.second) == (tmp_path / "a.pth", 1, None)
    assert (reference.then.name, reference.then.scale) == (tmp_path / "b.pth", 2)


def test_a_blend_may_be_the_first_of_a_series(tmp_path):
    both = [own(tmp_path, "a.pth", sha256="1"), own(tmp_path, "b.pth", sha256="2")]
    blended = {"model": "0.7 a + 0.3 b", "scale": 2, "blended": both, "weight": 0.3}
    later = own(tmp_path, "c.pth", sha256="3")
    found = Recorded.of(record_of(series=[blended, later], sha256=None))

    reference = found.reference(tmp_path)

    assert [one.sha256 for one in found.weights] == ["1", "2", "3"]
    assert (reference.name, reference.second.name) == (tmp_path / "a.pth", tmp_path / "b.pth")
    assert (reference.weight, reference.then.name) == (0.3, tmp_path / "c.pth")


def test_three_networks_may_follow_one_another(tmp_path):
    a, b, c = (own(tmp_path, f"{name}.pth") for name in "abc")
    for series in (
        [{"model": "a, then b", "scale": 4, "series": [a, b]}, c],
        [a, {"model": "b, then c", "scale": 4, "series": [b, c]}],
    ):
        reference = Recorded.of(record_of(series=series, sha256=None)).reference(tmp_path)

        assert reference.name == tmp_path / "a.pth"
        assert reference.then.name == tmp_path / "b.pth"
        assert reference.then.then.name == tmp_path / "c.pth"


def test_a_blend_of_series_is_not_repeated_as_another_network(tmp_path):
    series = {"model": "a, then b", "scale": 4, "series": [own(tmp_path, "a.pth")] * 2}
    found = Recorded.of(record_of(blended=[series, series], weight=0.3, sha256=None))

    with pytest.raises(RecordError, match="in series cannot be repeated"):
        found.reference(tmp_path)


def test_a_missing_checkpoint_is_named(tmp_path):
    record = record_of(model="mine", file="mine.pth", sha256="12")

    with pytest.raises(RecordError, match=r"mine with sha256 12, but there is no file mine.pth"):
        Recorded.of(record).reference(tmp_path)


def test_a_known_name_with_other_weights_is_not_taken():
    message = "fsrcnn-x2 with sha256 12, but this version .* has 56bd"
    with pytest.raises(RecordError, match=message):
        Recorded.of(record_of(sha256="12", file=None)).reference(Path("nowhere"))


def test_other_weights_are_refused():
    network = Nearest()
    network.provenance = {"sha256": "34", "file": "mine.pth"}
    found = Recorded.of(record_of(model="mine", sha256="12"))

    with pytest.raises(RecordError, match=r"weights of mine with sha256 12, but mine.pth has 34"):
        found.check_weights(network)
    network.provenance["sha256"] = "12"
    found.check_weights(network)


def test_other_versions_are_told():
    now = versions()
    assert (now["torch"], now["numpy"]) == (torch.__version__, np.__version__)
    assert Recorded.of(record_of(versions=now)).other_versions() == ""

    told = Recorded.of(record_of(versions={**now, "torch": "1.0"})).other_versions()

    changed = f"torch 1.0 (now {torch.__version__})"
    assert told == f"the record was made with {changed}: pixels may differ"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": "2"}, "its scale must be a valid integer, got '2'"),
        ({"settings": None}, "its settings is missing"),
        ({"settings": {"tile": 1.5}}, "its settings.tile must be a valid integer"),
        ({"settings": {"speed": 1}}, "settings have no speed"),
        ({"region": [[0, 4]]}, "its region.1 is missing"),
        ({"options": {"a": [1]}}, "its options.a"),
    ],
)
def test_wrong_values_are_named(changes, message):
    with pytest.raises(RecordError, match=message):
        Recorded.of(record_of(**changes))
