import json
import shutil
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import tifffile
import zarr
from blocks import SETTINGS, image_of, request_of, run, tiff_of

from napari_sr import upscale
from napari_sr.engine.planning.settings import Settings
from napari_sr.files.image import FileError
from napari_sr.files.ome_zarr.read import open_ome_zarr
from napari_sr.runs.factor import reference_at
from napari_sr.runs.model import ModelReference
from napari_sr.runs.run import drive
from napari_sr.streaming import result as module
from napari_sr.streaming.journal import FOLDER, Journal, JournalError
from napari_sr.streaming.result import complete, compute, finish, missing, start

pytestmark = [pytest.mark.needs("zarr"), pytest.mark.usefixtures("small_blocks")]


@pytest.fixture
def source(tmp_path):
    return tiff_of(tmp_path / "in.ome.tif", image_of(), PhysicalSizeX=0.5, PhysicalSizeXUnit="µm")


def pixels(path):
    return zarr.open_group(path, mode="r")["0"][:]


def test_the_result_is_that_of_the_whole_image_and_lies_in_its_place(source, tmp_path):
    run(request_of(source, tmp_path / "out.zarr"))

    np.testing.assert_array_equal(
        pixels(tmp_path / "out.zarr"), upscale(image_of(), axes="ZYX", engine="torch")
    )
    written = open_ome_zarr(tmp_path / "out.zarr")
    assert (written.places["X"].size, written.places["X"].origin) == (0.25, -0.125)
    assert written.places["X"].unit == "micrometer"
    assert not (tmp_path / "out.zarr" / FOLDER).exists()
    attributes = zarr.open_group(tmp_path / "out.zarr", mode="r").attrs["napari_sr"]
    assert attributes["record"]["model"] == "fsrcnn-x2"
    assert attributes["record"]["source_path"] == "in.ome.tif"
    assert str(tmp_path) not in json.dumps(attributes)
    assert attributes["complete"] is True


@pytest.mark.parametrize("scale", [2, 2.5, Fraction(108333, 70000)])
def test_a_resumed_result_equals_one_without_a_break(source, tmp_path, scale):
    model = reference_at("fsrcnn", scale)
    run(replace(request_of(source, tmp_path / "whole.zarr"), model=model))
    request = replace(request_of(source, tmp_path / "out.zarr", resume=True), model=model)
    run(request, [3, 0])
    before = {path: path.read_bytes() for path in (tmp_path / "out.zarr").rglob("c/*/*/*")}
    module.opened.cache_clear()

    assert 0 not in missing(request.result)
    run(request)

    np.testing.assert_array_equal(pixels(tmp_path / "out.zarr"), pixels(tmp_path / "whole.zarr"))
    assert before
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_block_that_was_written_but_not_noted_is_computed_again(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    run(request, [0, 1])
    for path in (tmp_path / "out.zarr" / FOLDER).glob("*.done"):
        path.write_bytes(path.read_bytes()[:-3])

    assert 1 in missing(request.result)
    assert 0 not in missing(request.result)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": Settings(device="cpu", engine="torch", ensemble=True)}, "settings.ensemble"),
        ({"settings": Settings(device="cpu")}, 'settings.engine was "torch" and is "auto"'),
        ({"model": ModelReference("fsrcnn-x3")}, "weights was"),
        ({"version": "0.4"}, 'result.OME-Zarr was "0.5" and is "0.4"'),
    ],
)
def test_another_run_does_not_resume_and_says_what_differs(source, tmp_path, change, told):
    run(request_of(source, tmp_path / "out.zarr"), [0])
    from dataclasses import replace

    request = replace(request_of(source, tmp_path / "out.zarr", resume=True), **change)
    with pytest.raises(JournalError, match=told):
        start(request)


def test_a_changed_source_does_not_resume(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    run(request, [0])
    tiff_of(source, image_of(seed=1))
    module.opened.cache_clear()

    with pytest.raises(JournalError, match=r"source\.mtime_ns"):
        start(request)
    with pytest.raises(JournalError, match=r"source\.mtime_ns"):
        missing(request.result)


@pytest.mark.parametrize("kind", ["tif", "zarr"])
def test_a_source_that_changes_during_the_run_is_noticed_before_the_end(tmp_path, kind):
    path, image = tmp_path / f"in.{kind}", image_of((40, 50))
    if kind == "tif":
        tiff_of(path, image, "YX")
    else:
        store = zarr.create_array(path, data=image, dimension_names=("y", "x"))
    request = request_of(path, tmp_path / "out.zarr")
    start(request)
    drive(compute(request.result, missing(request.result)))
    if kind == "tif":
        tiff_of(path, image + 1, "YX")
    else:
        store[:] = image + 1

    with pytest.raises(JournalError, match=rf"in\.{kind} has changed since the result was begun"):
        finish(request.result)

    assert Journal(request.result).exists
    assert not zarr.open_group(request.result, mode="r").attrs["napari_sr"]["complete"]


def test_changed_versions_do_not_resume(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    run(request, [0])
    task = json.loads((request.result / FOLDER / "task.json").read_text())
    task["key"]["versions"]["torch"] = "1.0"
    (request.result / FOLDER / "task.json").write_text(json.dumps(task))

    with pytest.raises(JournalError, match=r'versions.torch was "1.0"'):
        start(request)


def test_an_existing_result_is_neither_replaced_nor_mixed(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr")
    run(request, [0])
    with pytest.raises(FileError, match="is unfinished: --resume continues"):
        start(request)
    run(request_of(source, tmp_path / "out.zarr", resume=True))
    for resume in (False, True):
        with pytest.raises(FileError, match="exists: give another name, or --overwrite"):
            start(request_of(source, tmp_path / "out.zarr", resume=resume))

    start(request_of(source, tmp_path / "out.zarr", overwrite=True))

    assert Journal(tmp_path / "out.zarr").exists


def test_a_result_without_all_blocks_is_not_finished(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr")
    run(request, [0, 2])

    with pytest.raises(FileError, match=r"lacks \d+ of \d+ blocks, the first is number 1"):
        finish(request.result)

    assert Journal(request.result).exists


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(source, tmp_path, monkeypatch):
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    run(request, [0])
    _, writer = module.opened(request.result)
    monkeypatch.setattr(
        writer, "write", lambda *block: (_ for _ in ()).throw(OSError(28, "No space left"))
    )

    with pytest.raises(FileError, match="the disk is full; finished blocks are kept, and --resume"):
        drive(compute(request.result, [1]))

    module.opened.cache_clear()
    assert 0 not in missing(request.result)
    run(request)


def test_a_vanished_source_is_one_sentence(source, tmp_path):
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    run(request, [0])
    module.opened.cache_clear()
    source.unlink()

    with pytest.raises(FileError, match=r"in\.ome\.tif"):
        start(request)


def test_the_space_is_told_before_the_run(source, tmp_path):
    told = start(request_of(source, tmp_path / "out.zarr"))

    assert any("the result needs up to" in note for note in told)


def test_a_result_has_a_folder_to_be_in(source, tmp_path):
    with pytest.raises(FileError, match="there is no folder"):
        start(request_of(source, tmp_path / "none" / "out.zarr"))


def test_a_global_network_is_computed_plane_by_plane(source, tmp_path, shared, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(shared / "weights"))
    small = tiff_of(tmp_path / "small.tif", image_of((2, 40, 50)))
    from napari_sr.streaming.result import FileRequest

    request = FileRequest(small, tmp_path / "out.zarr", ModelReference("bsrn-x2"), SETTINGS)
    told = start(request)
    assert "BSRN reads whole planes: each of the 2 planes is computed at once" in told[0]
    assert module.blocks_of(request.result) == 2
    run_on = missing(request.result)
    drive(compute(request.result, run_on))
    complete(request.result)

    expected = upscale(image_of((2, 40, 50)), "bsrn-x2", axes="ZYX", engine="torch")
    np.testing.assert_array_equal(pixels(tmp_path / "out.zarr"), expected)
    shutil.rmtree(request.result)


def test_a_source_is_never_overwritten_by_its_result(source, tmp_path):
    run(request_of(source, tmp_path / "a.zarr"))

    for path in (tmp_path / "a.zarr", tmp_path / "a.zarr" / "0"):
        with pytest.raises(FileError, match="the image to upscale"):
            start(request_of(path, tmp_path / "a.zarr", overwrite=True))

    assert pixels(tmp_path / "a.zarr").any()


def test_another_run_at_the_same_path_is_noticed(source, tmp_path):
    """A worker of a cluster outlives a run, and must not compute the next one as the last one."""
    from dataclasses import replace

    request = request_of(source, tmp_path / "out.zarr", overwrite=True)
    run(request, [0])
    steps = compute(request.result, [1, 2])
    next(steps)
    opened = module.opened(request.result)
    other = replace(request, model=ModelReference("fsrcnn-x3"))
    run(other, [0])

    assert module.opened(request.result) is not opened
    with pytest.raises(FileError, match=r"replaced the result .*out\.zarr meanwhile"):
        drive(steps)
    assert len(Journal(request.result).done()) == 1


def test_a_result_that_is_replaced_while_a_block_is_written_does_not_get_it(
    source, tmp_path, monkeypatch
):
    request = request_of(source, tmp_path / "out.zarr", overwrite=True)
    run(request, [0])
    write_block = module.write_block

    def write_late(*args):
        write_block(*args)
        monkeypatch.setattr(module, "write_block", write_block)
        run(
            request_of(source, request.result, Settings(device="cpu", tile=50), overwrite=True), [0]
        )

    monkeypatch.setattr(module, "write_block", write_late)
    with pytest.raises(FileError, match=r"replaced the result .*out\.zarr meanwhile"):
        drive(compute(request.result, [1]))

    assert Journal(request.result).done() == {0}


@pytest.mark.parametrize("damage", ["remove", "empty", "cut off"])
def test_a_block_whose_file_is_lost_is_computed_again(source, tmp_path, damage):
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    run(request, [0, 1])
    file = next((tmp_path / "out.zarr" / "0" / "c").rglob("0/0/0"))
    if damage == "remove":
        file.unlink()
    else:
        file.write_bytes(b"" if damage == "empty" else file.read_bytes()[:-1])

    assert 0 in missing(request.result)
    assert "lost or cut off, computed again: 1" in start(request)[-1]
    run(request)

    np.testing.assert_array_equal(
        pixels(tmp_path / "out.zarr"), upscale(image_of(), axes="ZYX", engine="torch")
    )


def test_a_really_full_disk_is_one_sentence(source, tmp_path, monkeypatch):
    request = request_of(source, tmp_path / "out.zarr")
    start(request)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_sr.files.ome_zarr.store.BlockStore.set_sync", full)
    with pytest.raises(FileError, match="the disk is full; finished blocks are kept, and --resume"):
        drive(compute(request.result, [0]))


def test_a_declared_range_counts_in_values_as_the_file_stores_them(tmp_path):
    """In a file whose white is zero, the pixels that the network sees are turned over."""
    stored = image_of((40, 50), "uint8")
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="miniswhite")
    settings = Settings(device="cpu", engine="torch", value_range=(30.0, 200.0))

    run(request_of(tmp_path / "in.tif", tmp_path / "out.zarr", settings))

    expected = upscale(255 - stored, engine="torch", value_range=(55, 225))
    np.testing.assert_array_equal(pixels(tmp_path / "out.zarr"), expected)


def test_a_result_uses_no_more_bits_than_its_file_says(tmp_path):
    steps = np.indices((40, 50)).sum(0) // 8 % 2 * 4095
    tifffile.imwrite(
        tmp_path / "in.ome.tif",
        steps.astype("uint16"),
        metadata={"axes": "YX", "SignificantBits": 12},
    )

    run(request_of(tmp_path / "in.ome.tif", tmp_path / "out.zarr"))

    assert upscale(steps.astype("uint16"), engine="torch", value_range=(0, 4095)).max() > 4095
    assert pixels(tmp_path / "out.zarr").max() == 4095


def test_colours_that_are_stored_first_are_found_again(tmp_path):
    image = image_of((3, 40, 50), "uint8")
    tifffile.imwrite(tmp_path / "in.tif", image, photometric="rgb", planarconfig="separate")

    run(request_of(tmp_path / "in.tif", tmp_path / "out.zarr"))

    expected = upscale(np.moveaxis(image, 0, -1), engine="torch")
    np.testing.assert_array_equal(pixels(tmp_path / "out.zarr"), np.moveaxis(expected, -1, 0))


def test_channels_that_are_stored_last_are_found_again(tmp_path):
    image = image_of((3, 40, 50))
    store = zarr.create_array(
        tmp_path / "in.zarr", data=image.transpose(1, 2, 0), dimension_names=("y", "x", "c")
    )

    run(request_of(tmp_path / "in.zarr", tmp_path / "out.zarr"))

    assert store.shape == (40, 50, 3)
    expected = upscale(image, engine="torch", axes="CYX")
    np.testing.assert_array_equal(pixels(tmp_path / "out.zarr"), expected)
