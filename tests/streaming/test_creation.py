import pytest
from blocks import image_of, request_of, run, tiff_of

from napari_sr.atomic_write import FOLDER, private_name
from napari_sr.files.image import FileError
from napari_sr.streaming import creation
from napari_sr.streaming.journal import Journal
from napari_sr.streaming.lock import Lock
from napari_sr.streaming.result import start

pytestmark = [pytest.mark.needs("zarr"), pytest.mark.usefixtures("small_blocks")]


@pytest.fixture
def source(tmp_path):
    return tiff_of(tmp_path / "in.tif", image_of())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_result_that_cannot_be_begun_leaves_nothing(source, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "begin", fail)

    with pytest.raises(FileError, match=r"out\.zarr could not be written: No space left"):
        start(request_of(source, tmp_path / "out.zarr"))

    assert names(tmp_path) == ["in.tif"]


def test_a_folder_that_cannot_be_written_is_said_once(source, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("napari_sr.files.ome_zarr.write.create_folder", fail)

    with pytest.raises(FileError) as found:
        start(request_of(source, tmp_path / "out.zarr"))

    out = tmp_path / "out.zarr"
    assert str(found.value) == f"{out} could not be written: Read-only file system"


def test_what_a_run_left_that_was_killed_at_its_beginning_is_removed(source, tmp_path, gone):
    left = tmp_path / private_name(FOLDER, gone)
    left.mkdir()
    (left / "zarr.json").touch()

    start(request_of(source, tmp_path / "out.zarr"))

    assert names(tmp_path) == ["in.tif", "out.zarr"]


def test_a_failed_beginning_keeps_the_result_that_was_there(source, tmp_path, monkeypatch):
    run(request_of(source, tmp_path / "out.zarr"))
    before = (tmp_path / "out.zarr" / "zarr.json").read_bytes()
    monkeypatch.setattr(Journal, "begin", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))

    with pytest.raises(FileError, match="full"):
        start(request_of(source, tmp_path / "out.zarr", overwrite=True))

    assert (tmp_path / "out.zarr" / "zarr.json").read_bytes() == before


def test_the_part_that_begins_second_goes_on_with_the_first_one_s_result(
    source, tmp_path, monkeypatch
):
    request = request_of(source, tmp_path / "out.zarr", resume=True)
    create = creation._create

    def slowly(*given):
        monkeypatch.setattr(creation, "_create", create)
        start(request)  # another part, at the same moment
        create(*given)

    monkeypatch.setattr(creation, "_create", slowly)
    told = start(request)

    assert any("resumed: 0 of" in note for note in told)
    assert names(tmp_path) == ["in.tif", "out.zarr"]


def test_a_result_that_another_command_writes_is_not_overwritten(source, tmp_path):
    other = Lock()
    start(request_of(source, tmp_path / "out.zarr"), lock=other)
    before = Journal(tmp_path / "out.zarr").text()

    with pytest.raises(FileError, match="another process is writing"):
        start(request_of(source, tmp_path / "out.zarr", overwrite=True))

    assert Journal(tmp_path / "out.zarr").text() == before
    other.release()
    start(request_of(source, tmp_path / "out.zarr", overwrite=True))
