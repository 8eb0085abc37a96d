"""Tables of what was measured."""

from __future__ import annotations

import csv

import pytest
from reference import SHARED

from napari_sr.evaluation.report import comma_separated, markdown, published
from napari_sr.evaluation.table import Row, Table

USUAL = ({"psnr": 31.0, "ssim": 0.88}, {"psnr": 33.5, "ssim": 0.9})


def table_of(*figures):
    rows = tuple(Row(name, values) for name, values in zip("ab", figures, strict=True))
    return Table("imdn", "Set5", 4, rows, made=False)


TABLE = table_of(*USUAL)


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


def test_other_metrics_are_columns_with_their_direction():
    looks = table_of({"lpips": 0.25, "psnr": 31.0}, {"lpips": 0.75, "psnr": 33.5})

    head, _, first, _, mean = markdown([looks], images=True).splitlines()

    assert head == (
        "| set | scale | model | LPIPS (less is better) | PSNR, dB | published PSNR "
        "| difference, dB |"
    )
    assert first == "| Set5: a | x4 | imdn | 0.2500 | 31.00 |  |  |"
    assert mean == "| Set5 | x4 | imdn | 0.5000 | 32.25 | 32.21 | +0.04 |"


def test_metrics_that_no_paper_reports_have_no_figures_beside():
    looks = table_of({"dists": 0.25}, {"dists": 0.75})

    assert markdown([looks]).splitlines()[-1] == "| Set5 | x4 | imdn | 0.5000 |"


def test_programs_get_other_metrics_by_name():
    [*_, mean] = csv.DictReader(
        comma_separated([table_of({"frc": 4.0}, {"frc": 5.0})]).splitlines()
    )

    assert mean == {"set": "Set5", "scale": "4", "model": "imdn", "image": "mean", "frc": "4.5000"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs TABLES.md in ../shared")
def test_published_figures_are_those_of_the_tables():
    text = (SHARED / "TABLES.md").read_text()

    for model in ("imdn", "bsrn", "edsr", "lapsrn", "fsrcnn", "srcnn"):
        psnr, ssim = published(model, 4, "set14")
        assert f"{psnr:.2f}/{ssim:.4f}".replace("/0.", "/.") in text


def test_an_unknown_network_has_none():
    assert published("no network", 4, "Set5") is None


def test_what_was_left_out_of_the_means_is_said_below_the_table():
    flat = Row("dark", {"psnr": 147.0, "ssim": 1.0}, flat=True)
    table = Table("imdn", "Set5", 4, (*TABLE.rows, flat), made=False)

    *_, mean, empty, note = markdown([table]).splitlines()

    assert mean == "| Set5 | x4 | imdn | 32.25 | 0.8900 | 32.21 | 0.8948 | +0.04 |"
    assert empty == ""
    assert note.endswith("flat images, for which scores are meaningless: dark")
