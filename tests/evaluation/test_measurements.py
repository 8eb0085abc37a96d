from __future__ import annotations

from napari_sr.evaluation.measurements import HEADS, Measurement, Measurements


def test_the_difference_is_relative_to_the_reference():
    row = Measurement("a", "sum", "", 90.0, -100.0)

    assert (row.difference, row.percent) == (190.0, 190.0)
    assert Measurement("a", "sum", "", 1.0, 0.0).percent is None
    assert Measurement("a", "PSNR", "dB", 30.0).cells == ("a", "PSNR", "dB", 30.0, None, None, None)


def test_csv_has_a_row_for_each_number_and_quotes_names():
    rows = [Measurement("a", "sum", "", 1 / 3, 0.5), Measurement("a", "PSNR", "dB", 30.0)]

    text = Measurements(rows).csv({"layer": 'my "cell", 2'})

    assert text.splitlines() == [
        f"layer,{','.join(HEADS)}",
        '"my ""cell"", 2",a,sum,,0.3333333333,0.5,-0.1666666667,-33.33333333',
        '"my ""cell"", 2",a,PSNR,dB,30,,,',
    ]
