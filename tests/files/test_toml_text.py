from __future__ import annotations

import pytest

from napari_sr.files.toml_text import read_toml


def test_a_table_is_read_with_the_mark_of_windows_editors(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n[b]\r\nc = 'x'\r\n")

    assert read_toml(tmp_path / "a.toml") == {"a": 1, "b": {"c": "x"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = " + b"1" * 20, "at most 16 bytes, got more"),
        (b"\xff", "can't decode"),
        (b"a =", "Invalid value"),
    ],
)
def test_what_is_too_long_or_no_toml_is_refused(tmp_path, content, message):
    (tmp_path / "a.toml").write_bytes(content)

    with pytest.raises(ValueError, match=message):
        read_toml(tmp_path / "a.toml", 16)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"." * 401, "at most 400 dots, got 401"), (b"x = " + b"[" * 9000, "nested too deeply")],
)
def test_what_would_take_minutes_is_refused(tmp_path, content, message):
    (tmp_path / "a.toml").write_bytes(content)

    with pytest.raises(ValueError, match=message):
        read_toml(tmp_path / "a.toml")
