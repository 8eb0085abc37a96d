"""A TIFF's chain of pages ends, and differing pages are found."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_sr.files.tiff_chain import chain_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


def written(path, pages, orientations=(), **options):
    with tifffile.TiffWriter(path, **options) as writer:
        for number in range(pages):
            tags = [(274, "H", 1, orientations[number], True)] if orientations else []
            writer.write(np.zeros((4, 5), "u1"), metadata=None, extratags=tags, contiguous=False)
    with tifffile.TiffFile(path) as file:
        return [page.offset for page in file.pages]


def led_back(path, offsets, to):
    """Make the last page of a little-endian classic TIFF lead to an earlier one."""
    content = bytearray(path.read_bytes())
    count = int.from_bytes(content[offsets[-1] : offsets[-1] + 2], "little")
    after = offsets[-1] + 2 + 12 * count
    content[after : after + 4] = offsets[to].to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}], ids=str)
def test_every_page_is_found(path, options):
    offsets = written(path, 3, (6, 6, 6), **options)

    chain = chain_of(path)

    assert chain.offsets == tuple(offsets)
    assert chain.values == ((1, 6),) * 3
    assert chain.whole
    chain.check_equal(offsets)


@pytest.mark.parametrize(("pages", "to"), [(1, 0), (3, 1), (150, 0), (150, 149)])
def test_a_loop_is_refused_however_long_it_is(path, pages, to):
    offsets = written(path, pages)
    led_back(path, offsets, to)

    with pytest.raises(ValueError, match=rf"its {pages} pages form a loop: .* to page {to}"):
        chain_of(path)


def test_pages_over_each_other_are_refused(path):
    # pages without a tag at 8, 12, 16, ..., each of six bytes: two of number, four of the next
    pages = 40
    content = bytearray(b"II*\0" + (8).to_bytes(4, "little") + bytes(4 * pages + 6))
    for number in range(pages):
        at = 8 + 4 * number
        content[at + 2 : at + 6] = (at + 4).to_bytes(4, "little")
        content[at : at + 2] = bytes(2)
    path.write_bytes(content)

    with pytest.raises(ValueError, match="pages overlap in the file"):
        chain_of(path)


def test_a_chain_that_ends_within_a_page_is_not_whole(path):
    offsets = written(path, 3)
    path.write_bytes(path.read_bytes()[: offsets[2] + 9])

    chain = chain_of(path)

    assert chain.offsets == tuple(offsets[:2])
    assert not chain.whole


def test_pages_of_different_orientations_are_refused(path):
    offsets = written(path, 3, (1, 6, 6))

    with pytest.raises(
        ValueError, match=r"differ in orientation \(1, 6\): save each as a separate file"
    ):
        chain_of(path).check_equal(offsets)
    chain_of(path).check_equal(offsets[1:])


def test_a_tag_of_the_first_page_alone_holds_for_all(path):
    tifffile.imwrite(
        path,
        np.zeros((3, 4, 5), "u1"),
        photometric="minisblack",
        extratags=[(274, "H", 1, 6, True)],
    )
    chain = chain_of(path)

    assert [orientation for _, orientation in chain.values] == [6, None, None]
    chain.check_equal(chain.offsets)
