import errno

import pytest

from napari_sr.files.image import FileError
from napari_sr.streaming.disk import told_in_one_sentence


def full(path="out/0/c/0"):
    return OSError(errno.ENOSPC, "No space left on device", path)


def told(error, path, cause=None):
    with pytest.raises(FileError) as caught, told_in_one_sentence(path, "all is kept"):
        raise error from cause
    return str(caught.value)


def test_a_full_disk_is_told_with_what_remains(tmp_path):
    assert told(full(), tmp_path) == "out/0/c/0: the disk is full; all is kept"


def test_a_full_disk_is_told_even_if_a_writer_named_another_reason(tmp_path):
    error = FileError("could not be written")

    assert told(error, tmp_path, full()) == "out/0/c/0: the disk is full; all is kept"


def test_a_file_that_may_not_grow_is_told_with_what_remains(tmp_path):
    error = OSError(errno.EFBIG, "File too large", "out.tif")

    for raised, cause in ((error, None), (FileError("could not be written"), error)):
        words = told(raised, tmp_path, cause)
        assert words == (
            "out.tif: the file is larger than the disk or the user's limit allows; all is kept"
        )


def test_a_reader_s_error_keeps_its_words_and_tells_what_remains(tmp_path):
    error = FileError("a part of in.zarr cannot be read: it ends early")

    words = told(error, tmp_path, OSError(errno.EIO, "Input/output error"))

    assert words == "a part of in.zarr cannot be read: it ends early; all is kept"


def test_other_errors_keep_their_reason(tmp_path):
    error = OSError(errno.EIO, "Input/output error")

    assert told(error, tmp_path) == f"{tmp_path}: Input/output error; all is kept"
    assert told(FileError("no such axis"), tmp_path) == "no such axis"
