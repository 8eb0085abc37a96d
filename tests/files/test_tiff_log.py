"""Each message that tifffile logs becomes an error or a note, or is ignored."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_sr.files.tiff_log import check, damage, notes, overheard, words


@pytest.mark.parametrize(
    "text",
    [
        "<tifffile.TiffPages @8> invalid page offset 24272",
        "<tifffile.TiffFile 'a.tif'> contains no pages",
        "<tifffile.TiffTag 273 @34> invalid value offset 999",
        "<tifffile.TiffFile 'a.tif'> <asarray> failed to reshape (5, 7) to (6, 7)",
    ],
)
def test_missing_pixels_are_damage(text):
    assert damage(["all is well", text]) is not None
    assert list(notes([text])) == []


@pytest.mark.parametrize(
    "text",
    [
        "<tifffile.TiffFile 'a.tif'> shaped series shape does not match page shape",
        "<tifffile.TiffFile 'a.tif'> OME series is missing 1 frames. Missing data are zeroed",
        "<tifffile.TiffTag 274 @98> raised ValueError('9 is not a valid ORIENTATION')",
    ],
)
def test_what_the_readers_decide_is_neither_damage_nor_told(text):
    assert damage([text]) is None
    assert list(notes([text])) == []


def test_all_else_is_told_once_and_without_who_says_it():
    text = "<tifffile.TiffTag 34675 @98> invalid value offset 999"

    assert damage([text]) is None
    assert list(notes([text, text])) == ["tifffile reports: invalid value offset 999"]


def test_warnings_are_heard_and_shown_to_nobody(logged):
    heard = []

    with overheard(heard):
        logging.getLogger("tifffile").warning("a page is odd")
        logging.getLogger("tifffile").debug("nothing")

    assert heard == ["a page is odd"]
    assert logged == []


def test_texts_in_unknown_letters_are_told():
    text = "<tifffile.TiffTag 270 @62> coercing invalid ASCII to bytes, due to UnicodeDecodeError()"

    assert damage([text]) is None
    assert list(notes([text])) == ["a text in it has an unknown encoding, and is left out"]


def test_readers_in_several_threads_hear_their_own_file():
    logger, barrier = logging.getLogger("tifffile"), threading.Barrier(2)

    def read(name):
        heard = []
        with overheard(heard):
            barrier.wait()
            logger.warning("odd: %s", name)
            barrier.wait()
        return heard

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, "ab")) == [["odd: a"], ["odd: b"]]


def test_what_a_decoders_thread_says_is_heard_too():
    heard = []

    with overheard(heard), ThreadPoolExecutor(1) as pool:
        pool.submit(logging.getLogger("tifffile").error, "a strip is odd").result()

    assert heard == ["a strip is odd"]


def test_a_damaged_file_is_refused_before_its_pixels_are_read():
    check(["all is well"])
    with pytest.raises(ValueError, match="invalid page offset 24272"):
        check(["<tifffile.TiffPages @8> invalid page offset 24272"])


def test_a_tag_that_cannot_be_read_is_named():
    raised = "<TiffTag.fromfile> raised TiffFileError('<tifffile.TiffTag {} @2> invalid value')"

    assert list(notes([raised.format(34675)])) == [
        "tifffile reports: tag 34675 has an invalid value"
    ]
    assert damage([raised.format(273)]) == "tag 273 has an invalid value"


def test_a_message_is_one_short_line():
    assert words(ValueError("a\n  b " + "c" * 300)) == ("a b " + "c" * 156)
    assert words(KeyError()) == "KeyError"
