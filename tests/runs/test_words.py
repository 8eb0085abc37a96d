from __future__ import annotations

import pytest

from napari_sr.engine.planning.devices import OutOfMemoryError
from napari_sr.runs.words import (
    error_in_words,
    has_words,
    is_ours,
    no_memory,
    part_in_words,
    shape_in_words,
    short_counts,
    size_in_words,
    time_in_words,
)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (53_308, "53 kB"),
        (999_600, "1.0 MB"),
        (1_524_813, "1.5 MB"),
        (67_000_000, "67 MB"),
        (4.2e9, "4.2 GB"),
        (3e12, "3.0 TB"),
    ],
)
def test_sizes_have_two_digits_or_three(count, words):
    assert size_in_words(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than a second"),
        (1.2, "1 second"),
        (80, "80 seconds"),
        (100, "2 minutes"),
        (5000, "83 minutes"),
        (7200, "2 hours"),
        (200_000, "2 days"),
    ],
)
def test_times_are_rounded_as_estimates(seconds, words):
    assert time_in_words(seconds) == words


def test_shapes_are_lengths_with_a_sign_between():
    assert shape_in_words((9, 256, 300)) == "9 \u00d7 256 \u00d7 300"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("a tile is too small"), "a tile is too small"),
        (FileNotFoundError(2, "No such file", "a.pth"), "[Errno 2] No such file: 'a.pth'"),
        (KeyError("scale"), "it stopped with an unexpected error: KeyError"),
        (TypeError(), "it stopped with an unexpected error: TypeError"),
        (ValueError(), "it stopped with an unexpected error: ValueError"),
        (RuntimeError("  \nfirst\nsecond"), "RuntimeError: first"),
    ],
)
def test_an_error_is_one_sentence(error, words):
    assert words in error_in_words(error)
    assert "\n" not in error_in_words(error)


def test_numpys_words_about_memory_are_kept():
    assert "ran out (Unable to allocate 8 GiB);" in no_memory(
        MemoryError("Unable to allocate 8 GiB")
    )


def test_our_errors_are_distinguished_from_others():
    assert is_ours(OutOfMemoryError("not even tiles of 1 px fit"))
    assert not is_ours(MemoryError())


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([0], "0"),
        ([7], "7.00"),
        ([8_129, 8_129], "8.13 K"),
        ([999_999], "1,000 K"),
        ([2_871_705_600, 717_926_400], "2.87 / 0.718 G"),
        ([17_974_296_576_000], "18.0 T"),
    ],
)
def test_counts_have_three_digits_and_the_unit_of_the_largest(counts, expected):
    assert short_counts(counts) == expected


@pytest.mark.parametrize(
    ("words", "found"),
    [("", True), ("bsrn", True), ("QUALITY best", True), ("best worst", False), ("est qual", True)],
)
def test_each_word_must_be_in_the_text(words, found):
    assert has_words("BSRN: best quality", words) is found


@pytest.mark.parametrize(
    ("part", "whole", "axes", "words"),
    [
        ((4, 6, 8), (9, 6, 8), "ZYX", "4 of 9 planes"),
        ((2, 3, 6, 8), (5, 3, 6, 8), "TZYX", "6 of 15 planes"),
        ((1, 2, 8), (9, 6, 8), "ZYX", "1 of 9 planes, 1 of 3 rows"),
        ((6, 4, 3), (6, 8, 3), "YXS", "2 of 4 columns"),
        ((4, 4), (6, 8), "YX", "2 \u00d7 2 of 3 \u00d7 4 px"),
        ((6, 8), (6, 8), "YX", ""),
    ],
)
def test_a_part_is_told_in_planes_and_in_rows_of_the_source(part, whole, axes, words):
    assert part_in_words(part, whole, axes, 2) == words
