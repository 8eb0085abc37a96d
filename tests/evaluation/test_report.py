"""Tables of what was measured."""

from __future__ import annotations

import csv

import pytest
from reference import SHARED

from napari_sr.evaluation.benchmark import Row, Table
from napari_sr.evaluation.report import comma_separated, markdown, published

TABLE = Table("imdn", "Set5", 4, (Row("a", 31.0, 0.88), Row("b", 33.5, 0.9)), made=False)


def test_a_mean_stands_beside_what_was_published():
    *_, line = markdown([TABLE]).splitlines()

    assert line == "| Set5 | x4 | imdn | 32.25 | 0.8900 | 32.21 | 0.8948 | +0.04 |"


def test_what_nobody_published_has_no_figure():
    table = Table("imdn", "my cells", 4, TABLE.rows, made=True)

    assert markdown([table]).splitlines()[-1].endswith("| 0.8900 | - | - | - |")


def test_images_have_rows_where_they_are_asked_for():
    lines = markdown([TABLE], images=True).splitlines()

    assert len(lines) == 5
    assert lines[2].startswith("| Set5: a | x4 | imdn | 31.00 | 0.8800 |")


def test_programs_get_every_image_and_the_mean():
    rows = list(csv.DictReader(comma_separated([TABLE]).splitlines()))

    assert [row["image"] for row in rows] == ["a", "b", "mean"]
    assert rows[2]["psnr"] == "32.2500"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs TABLES.md in ../shared")
def test_published_figures_are_those_of_the_tables():
    text = (SHARED / "TABLES.md").read_text()

    for model in ("imdn", "bsrn", "edsr", "lapsrn", "fsrcnn", "srcnn"):
        psnr, ssim = published(model, 4, "set14")
        assert f"{psnr:.2f}/{ssim:.4f}".replace("/0.", "/.") in text


def test_an_unknown_network_has_none():
    assert published("no network", 4, "Set5") is None
