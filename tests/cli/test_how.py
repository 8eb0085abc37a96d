import pytest

from napari_sr.batch.job import BlockOptions
from napari_sr.cli.how import check_options, read_part, read_version
from napari_sr.cli.model import CommandError


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/2/3"])
def test_a_wrong_part_is_refused(text):
    with pytest.raises(CommandError, match="--part needs I/N with I from 1 to N"):
        read_part(text)


def test_options_are_checked():
    assert read_part("2/3") == (2, 3)
    assert read_version("0.4") == "0.4"
    with pytest.raises(CommandError, match=r"--ome-zarr must be 0.4 or 0.5, got 1"):
        read_version("1")
    with pytest.raises(CommandError, match="only one of --workers and --part"):
        check_options(BlockOptions(workers=2, part=(1, 2)))
    with pytest.raises(CommandError, match="a part would remove the results of other parts"):
        check_options(BlockOptions(part=(1, 2)), overwrite=True)
