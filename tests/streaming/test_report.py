import json

from napari_sr.engine.image.guards import Diagnostics
from napari_sr.engine.image.overshoot import Overshoot
from napari_sr.streaming.report import Report


def report(low, high, notes, outliers=0):
    counts = Diagnostics(outliers=outliers, lowest=low, highest=high, values=10, beyond=2)
    counts.overshoot = Overshoot(1.0, 100, 5, 0, 0.5, 0.1, low - 0.5, high + 0.1)
    if outliers:
        counts.outlier_tiles.append(f"y={low}")
        counts.outliers_from, counts.outliers_to = -9.0, 9.0
    return Report(counts, notes, "openvino")


def test_reports_of_several_processes_become_one():
    whole = Report()
    for part in (report(0.0, 1.0, ["a"], 3), report(-1.0, 0.5, ["b", "a"], 4)):
        whole.merge(Report.from_json(json.loads(json.dumps(part.as_json()))))

    counts = whole.diagnostics
    assert whole.notes == ["a", "b"]
    assert whole.engine == "openvino"
    assert (counts.lowest, counts.highest, counts.values, counts.beyond) == (-1, 1, 20, 4)
    assert (counts.outliers, counts.outlier_tiles) == (7, ["y=0.0", "y=-1.0"])
    assert (counts.overshoot.values, counts.overshoot.beyond) == (200, 10)
    assert "the image goes from -1" in counts.in_words("clip")


def test_a_record_adds_its_notes_and_engine():
    whole = Report()

    whole.add({"notes": ["smaller tiles"], "engine": {"name": "onnxruntime"}})

    expected = Report(notes=["smaller tiles"], engine="onnxruntime", engines=["onnxruntime"])
    assert whole == expected


def test_all_engines_that_computed_something_are_known():
    whole = Report()
    counts = {"openvino": 3, "onnxruntime": 0, "torch": 1}

    whole.add({"notes": [], "engine": {"name": "openvino", "segments": counts}})
    whole.merge(Report(engine="torch", engines=["torch"]))

    assert whole.engines == ["openvino", "torch"]
