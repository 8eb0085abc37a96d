import numpy as np
import pytest
import zarr
from blocks import image_of, request_of, run, tiff_of

from napari_sr.files.image import FileError
from napari_sr.runs.run import drive
from napari_sr.streaming.cluster import run_distributed
from napari_sr.streaming.result import finish, missing, start

pytestmark = pytest.mark.usefixtures("small_blocks")


def test_a_cluster_gives_the_same_bits(tmp_path):
    source = tiff_of(tmp_path / "in.tif", image_of())
    distributed = pytest.importorskip("distributed")
    run(request_of(source, tmp_path / "one.zarr"))
    request = request_of(source, tmp_path / "two.zarr")
    start(request)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        numbers = missing(request.result)
        steps = list(run_distributed(request.result, numbers, cluster.scheduler_address))
    finish(request.result)

    assert steps[-1].done == len(numbers)
    np.testing.assert_array_equal(
        *(zarr.open_group(tmp_path / name, mode="r")["0"][:] for name in ("one.zarr", "two.zarr"))
    )


def test_a_scheduler_that_is_not_there_is_one_sentence(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(
        distributed, "Client", lambda address: (_ for _ in ()).throw(OSError("timed out"))
    )

    with pytest.raises(FileError, match=r"scheduler tcp://x:1 cannot be reached: timed out"):
        drive(run_distributed(tmp_path, [0], "tcp://x:1"))


def test_workers_that_are_lost_again_and_again_are_one_sentence(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    class Client:
        def __init__(self, address):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def scheduler_info(self):
            return {"workers": {"one": {}}}

        def map(self, function, lists, **options):
            return [Lost() for _ in lists]

        def cancel(self, futures):
            pass

    class Lost:
        def result(self):
            raise distributed.KilledWorker("task", "worker", 3)

    monkeypatch.setattr(distributed, "Client", Client)
    monkeypatch.setattr(distributed, "as_completed", list)

    with pytest.raises(FileError, match="lost repeatedly: finished blocks are kept"):
        drive(run_distributed(tmp_path, [0], "tcp://x:1"))
