"""Images with which exported files are compared."""

from __future__ import annotations

from napari_sr.onnx.probes import image_for, probes


def test_images_fit_the_network(example):
    network = example("esrt")

    image = image_for(network, 2, 10, 13)

    assert image.shape[:2] == (2, network.inputs)
    for side in image.shape[2:]:
        assert side >= network.least_size
        assert side % network.multiple == 0
    assert 0 <= float(image.min()) < float(image.max()) <= 1


def test_the_sizes_of_the_probes_differ_from_each_other(example):
    assert len({tuple(image.shape) for image in probes(example("fsrcnn"))}) == 3
