"""Features stored between stages: right values, memory freed, no file left."""

from __future__ import annotations

from fractions import Fraction

import psutil
import pytest
import torch

from napari_sr.engine.execution.feature_store import FeatureStore

HEIGHT, WIDTH = 200, 30


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_SCRATCH", str(tmp_path))
    return tmp_path


@pytest.fixture(params=[2**30, 0, 2_000_000], ids=["memory", "files", "both"])
def features(request):
    made = FeatureStore(HEIGHT, WIDTH, budget=request.param, channels_last=False)
    yield made
    made.close()


def fill(features, name, scale=1, dtype=torch.float32):
    """Write a plane of noise in pieces that cross bands, and return it."""
    torch.manual_seed(0)
    size = int(scale * HEIGHT), int(scale * WIDTH)
    whole = torch.randn(1, 8, *size).to(dtype)
    features.make(name, 8, scale, dtype)
    for top in range(0, HEIGHT, 50):
        rows = slice(top, min(top + 50, HEIGHT))
        part = whole[..., int(scale * rows.start) : int(scale * rows.stop), :]
        features.write(name, rows, slice(0, WIDTH), part)
    return whole


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scale", [1, 2, Fraction(1, 2)], ids=str)
def test_what_was_written_is_read_across_bands(features, scale, dtype):
    whole = fill(features, "x", scale, dtype)

    part = features.read("x", slice(60, 134), slice(4, 18))

    expected = whole[..., int(60 * scale) : int(134 * scale), int(4 * scale) : int(18 * scale)]
    assert torch.equal(part, expected)
    assert features.bands == 4


@pytest.mark.parametrize("budget", [2**30, 0], ids=["memory", "files"])
def test_the_last_band_of_a_coarser_plane_may_have_no_rows(budget):
    # ESRT halves planes of any height: a last band of one row then has none
    features = FeatureStore(65, WIDTH, multiple=2, budget=budget, channels_last=True)
    everywhere = slice(0, 65), slice(0, WIDTH)
    whole = torch.randn(1, 8, 32, WIDTH // 2)
    features.make("x", 8, Fraction(1, 2), torch.float32)

    features.write("x", *everywhere, whole)

    assert torch.equal(features.read("x", *everywhere), whole)
    assert features.read("x", slice(64, 65), slice(0, WIDTH)).shape == (1, 8, 0, WIDTH // 2)
    features.close()


def test_bands_above_a_row_are_freed_and_the_rest_stays(features):
    whole = fill(features, "x")

    features.drop_above("x", 140)

    assert features.bands == 2
    assert torch.equal(features.read("x", slice(140, 200), slice(0, WIDTH)), whole[..., 140:, :])


def test_rows_of_one_band_are_not_copied_and_others_are():
    features = FeatureStore(HEIGHT, WIDTH, budget=2**30, channels_last=True)
    whole = fill(features, "x")
    rows, everywhere = slice(64, 128), slice(0, WIDTH)

    wider = slice(63, 128)
    parts = [
        features.read("x", *part)
        for part in ((rows, everywhere), (rows, slice(4, WIDTH)), (wider, everywhere))
    ]

    features.write("x", slice(64, 65), everywhere, torch.zeros(1, 8, 1, WIDTH))
    assert not parts[0][..., 0, :].any()
    assert torch.equal(parts[0][..., 1:, :], whole[..., 65:128, :])
    assert torch.equal(parts[1], whole[..., rows, 4:])
    assert torch.equal(parts[2], whole[..., wider, :])


def test_a_part_that_is_used_until_the_next_one_lends_its_memory_to_parts_of_its_shape(features):
    whole = fill(features, "x")
    places = [slice(60, 70), slice(125, 135), slice(120, 131)]

    kept = features.read("x", places[0], slice(0, 9))
    lent = []
    for rows in places:
        lent.append(features.read("x", rows, slice(0, 9), until_next=True))
        assert torch.equal(lent[-1], whole[..., rows, :9])

    first, second, other = (part.data_ptr() for part in lent)
    assert first == second != other
    assert torch.equal(kept, whole[..., 60:70, :9])


def test_freed_bands_are_used_again_and_closing_gives_all_memory_back():
    process = psutil.Process()
    features = FeatureStore(2048, 1024, budget=2**30, channels_last=True)
    everywhere = slice(0, 2048), slice(0, 1024)
    ones = torch.ones(1, 8, 1, 1).expand(1, 8, 2048, 1024)
    before = process.memory_info().rss
    features.make("x", 8, 1, torch.float32)
    features.write("x", *everywhere, ones)
    full = process.memory_info().rss - before

    features.drop_above("x", 1536)
    features.make("y", 8, 1, torch.float32)
    features.write("y", slice(0, 1536), slice(0, 1024), 2 * ones[..., :1536, :])

    assert full > 60 * 2**20
    assert process.memory_info().rss - before < 1.1 * full
    assert features.read("x", slice(1536, 2048), slice(0, 1024)).all()
    assert (features.read("y", slice(0, 1536), slice(0, 1024)) == 2).all()
    features.close()
    assert process.memory_info().rss - before < full / 4


def test_the_memory_of_dropped_planes_is_used_again():
    band = 8 * 64 * WIDTH * 4
    features = FeatureStore(HEIGHT, WIDTH, budget=4 * band, channels_last=False)

    for name in ("x", "y"):
        fill(features, name)
        in_memory = [band.block.in_memory for band in features._planes[name].bands.values()]
        assert all(in_memory)
        features.drop(name)


def test_no_file_has_a_name(folder):
    features = FeatureStore(HEIGHT, WIDTH, budget=0, channels_last=False)

    fill(features, "x")

    assert list(folder.iterdir()) == []


def test_closing_frees_the_disk_space(folder):
    features = FeatureStore(HEIGHT, WIDTH, budget=0, channels_last=False)
    fill(features, "x")
    mapped = [each.path for each in psutil.Process().memory_maps() if str(folder) in each.path]
    assert mapped

    features.close()

    maps = psutil.Process().memory_maps()
    assert not [each.path for each in maps if str(folder) in each.path]


def test_few_bands_hold_a_large_plane():
    features = FeatureStore(100_000, 4, multiple=4, budget=2**30, channels_last=False)
    features.make("x", 1, Fraction(1, 4), torch.float32)

    features.write("x", slice(0, 100_000), slice(0, 4), torch.zeros(1, 1, 25_000, 1))

    assert features.bands <= 64


def test_the_folder_may_be_in_the_home_directory(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.setenv("NAPARI_SR_SCRATCH", "~")

    made = FeatureStore(HEIGHT, WIDTH, budget=0, channels_last=False)

    assert torch.equal(fill(made, "x"), made.read("x", slice(0, HEIGHT), slice(0, WIDTH)))
    made.close()
