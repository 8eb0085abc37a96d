from __future__ import annotations

import pytest

from napari_sr.zoo import file_kind


@pytest.mark.parametrize(
    ("start", "end", "name", "what"),
    [
        (b"\n\n<html>", b"", "a", "a web page"),
        (b"hello", b"\x57\xfb\x80\x8b\x24\x75\x47\xdb", "a", "TensorFlow"),
        (b"\0\0\0", b"", "model.ckpt.data-00000-of-00001", "TensorFlow"),
        (b'model_checkpoint_path: "x"', b"", "checkpoint", "TensorFlow"),
        (b"\x1c\0\0\0TFL3", b"", "a", "TensorFlow Lite"),
        (b"\x08\x03\x12\x0cbackend-test", b"", "a", "ONNX"),
        (b"BZh91AY", b"", "a", "bzip2"),
    ],
)
def test_a_file_is_called_what_it_is(start, end, name, what):
    assert what in file_kind.foreign(start, end, name)


@pytest.mark.parametrize("start", [b"PK\3\4", b"\x80\x02", b"MATLAB 5.0", b"\x08\0\0\0\0\0\0\0{"])
def test_a_checkpoint_is_not_foreign(start):
    assert file_kind.foreign(start, b"", "a.pth") is None


@pytest.mark.parametrize("start", [b"PK\3\4", b"\x80\x02"])
def test_pytorch_s_files_may_be_named_like_tensorflow_s(start):
    assert file_kind.foreign(start, b"", "epoch=3.ckpt.pth") is None
    assert "TensorFlow" in file_kind.foreign(b"\0\0", b"", "epoch=3.ckpt.pth")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "and contains no checkpoint file"),
        (["readme.txt"], "and contains no checkpoint file"),
        (["deep/a.PTH"], "that contains deep/a.PTH: open that file"),
        (["a.pth", "b.mat"], "that contains a.pth and b.mat: open one of them"),
        (
            ["a.pth", "b.pth", "c.pth", "d.pth"],
            "that contains a.pth, b.pth, c.pth and 1 more:",
        ),
        (["data.pkl", "data/0"], "into which a checkpoint file was unpacked"),
        (["archive/data.pkl"], "into which a checkpoint file was unpacked"),
        (["saved_model.pb"], "TensorFlow"),
    ],
)
def test_a_folder_tells_what_can_be_opened(tmp_path, files, words):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert words in file_kind.folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "is_file"),
    [
        ("x.pth", True),
        ("x.SAFETENSORS", True),
        ("~/x.mat", True),
        ("here", True),
        ("./folder", True),
        ("folder", False),
        ("fsrcnn", False),
        ("bsrn/x4", False),
    ],
)
def test_files_are_told_from_names_of_models(tmp_path, monkeypatch, name, is_file):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").touch()
    (tmp_path / "folder").mkdir()

    assert file_kind.names_file(name) is is_file
    assert file_kind.names_file(tmp_path / "fsrcnn")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["4x/4x.pth", "README.md"], "that contains 4x/4x.pth: unpack it, and open that file"),
        (["a.pth", "__MACOSX/._a.pth"], "that contains a.pth: unpack it, and open that file"),
        (["a.pth", "b.pt"], "that contains a.pth and b.pt: unpack it, and open one of them"),
        (["config.json", "model.weights.h5"], "Keras"),
        (["word/document.xml"], "that contains word/document.xml, and no checkpoint"),
        (["models/a.zip"], "contains another zip archive, models/a.zip: unpack it first"),
        ([], "that contains nothing"),
        (["x" * 500], "xxx..."),
    ],
)
def test_a_zip_tells_what_is_in_it(names, words):
    assert words in file_kind.zipped(names)
