from __future__ import annotations

import pytest
import torch

from napari_sr.training.data.blind_spots import BlindSpots

IMAGE = torch.arange(400.0).reshape(1, 20, 20).repeat(2, 1, 1)


def test_a_hidden_pixel_never_keeps_its_own_value(random):
    for _ in range(20):
        source, target = BlindSpots(share=0.3).split(IMAGE, IMAGE, random)

        hidden = ~target.isnan()
        assert 0.2 < hidden.double().mean() < 0.4
        assert (source[hidden] != IMAGE[hidden]).all()
        assert torch.equal(target[hidden], IMAGE[hidden])
        assert torch.equal(source[~hidden], IMAGE[~hidden])


def test_values_come_from_nearby(random):
    source, target = BlindSpots(share=0.5).split(IMAGE, IMAGE, random)

    rows, columns = source // 20 - IMAGE // 20, source % 20 - IMAGE % 20
    assert rows.abs().max() == 2
    assert columns.abs().max() == 2
    assert torch.equal(target[0].isnan(), target[1].isnan())


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_must_hide_some_but_not_all(share):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {share}"):
        BlindSpots(share=share)
