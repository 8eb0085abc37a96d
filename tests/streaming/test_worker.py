import json
import subprocess
import sys

import pytest
from blocks import image_of, request_of, tiff_of

from napari_sr.streaming.report import Report
from napari_sr.streaming.result import missing, start
from napari_sr.streaming.workers import COMMAND

pytestmark = pytest.mark.usefixtures("small_blocks")


def answers_of(result, *lines):
    done = subprocess.run(
        [*COMMAND, str(result), "1"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.needs("zarr")
def test_it_answers_with_every_block_and_a_report(tmp_path):
    source = tiff_of(tmp_path / "in.tif", image_of((150, 170)), "YX")
    request = request_of(source, tmp_path / "out.zarr")
    start(request)
    first, *rest = missing(request.result)

    code, answers = answers_of(request.result, json.dumps([first]), json.dumps(rest))

    assert code == 0
    assert sorted(one["done"] for one in answers if "done" in one) == [first, *rest]
    reports = [Report.from_json(one["report"]) for one in answers if "report" in one]
    assert len(reports) == 2
    assert missing(request.result) == []


def test_an_error_is_an_answer(tmp_path):
    code, answers = answers_of(tmp_path / "none.zarr", "[0]")

    assert code == 1
    assert "no unfinished result" in answers[0]["error"]
    assert sys.executable in COMMAND
