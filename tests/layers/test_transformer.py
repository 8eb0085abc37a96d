"""The efficient transformer: accumulating attention block by block does not change it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_sr.graph.run import attend
from napari_sr.layers import transformer as _transformer
from napari_sr.layers.transformer import EfficientTransformer


@pytest.fixture
def transformer():
    torch.manual_seed(0)
    return EfficientTransformer(features=8, heads=4, splits=3)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(_transformer, "BLOCK", (5, 7))


def plain_attention(transformer, queries, pairs):
    """Return the attention results of queries, (N, A, n), over all keys and values, (N, 2 A, m)."""
    heads = [
        part.unflatten(1, (transformer.heads, -1)).transpose(2, 3)
        for part in (queries, *pairs.chunk(2, dim=1))
    ]
    found = functional.scaled_dot_product_attention(*heads, scale=transformer.factor)
    return found.transpose(2, 3).flatten(1, 2)


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.usefixtures("small_blocks")
def test_blocks_add_up_to_attention(pieces, transformer):
    queries = torch.randn(2, 36, 12, dtype=torch.float64)
    pairs = torch.randn(2, 72, 40, dtype=torch.float64)

    found = transformer.attend(queries, iter(pairs.chunk(pieces, dim=2)))

    expected = plain_attention(transformer, queries, pairs)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("small_blocks")
def test_gradient_passes_through_all_blocks(transformer):
    inputs = [torch.randn(1, 36, 12), torch.randn(1, 72, 40)]
    for x in inputs:
        x.requires_grad_()

    ours = torch.autograd.grad(transformer.attend(inputs[0], [inputs[1]]).square().sum(), inputs)

    plain = plain_attention(transformer, *inputs).square().sum()
    for found, expected in zip(ours, torch.autograd.grad(plain, inputs), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("small_blocks")
def test_scores_whose_exponentials_overflow_do_no_harm(transformer):
    queries, pairs = 300 * torch.randn(1, 36, 12), torch.randn(1, 72, 40)
    pairs[:, :36] *= 300

    found = transformer.attend(queries.half(), [pairs.half()])

    assert found.dtype == torch.float16
    assert found.isfinite().all()
    expected = plain_attention(transformer, queries.half().float(), pairs.half().float())
    torch.testing.assert_close(found.float(), expected, rtol=0, atol=4e-3)


def test_scores_are_never_held_all_at_once():
    transformer = EfficientTransformer(features=32, heads=8, splits=4).to("meta")
    largest = 0

    def watch(queries, keys, values, of=_transformer._Sum.of):
        nonlocal largest
        largest = max(largest, queries.shape[1] * queries.shape[2] * keys.shape[2])
        return of(queries, keys, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_transformer._Sum, "of", watch)
        pairs = torch.empty(1, 288, 3000, device="meta")
        transformer.attend(torch.empty(1, 144, 600, device="meta"), [pairs])

    assert 4 * largest == 2**22


def test_remaining_pixels_form_one_more_chunk(transformer):
    link = transformer.link("queries", "pairs", "attended")

    assert list(link.chunks(10)) == [slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 10)]
    assert list(link.chunks(2)) == [slice(0, 1), slice(1, 2)]


@pytest.mark.parametrize("side", [(1, 1), (1, 2), (2, 5), (4, 7)], ids=str)
@pytest.mark.usefixtures("small_blocks")
def test_the_loop_that_tracing_makes_is_attention_within_chunks(side, transformer):
    planes = {"asked": torch.randn(2, 36, *side), "pairs": torch.randn(2, 72, *side)}
    link = transformer.link("asked", "pairs", "attended")

    found = link.traced(*(plane.flatten(2) for plane in planes.values()))

    torch.testing.assert_close(found.unflatten(2, side), attend(link, planes), rtol=0, atol=1e-6)


def test_patches_fold_as_pytorch_folds_them():
    patches = torch.rand(2, 8 * 9, 5, 4)

    folded = _transformer._folded(patches, 8)

    expected = functional.fold(patches.flatten(2), (5, 4), 3, padding=1)
    torch.testing.assert_close(folded, expected, rtol=0, atol=1e-6)


def test_patches_that_overlap_are_summed(transformer):
    for module in (transformer.expand, transformer.perceptron[2]):
        torch.nn.init.zeros_(module.weight)
        torch.nn.init.zeros_(module.bias)
    x = torch.rand(1, 8, 4, 5)

    folded = transformer.finish(x, torch.rand(1, 36, 4, 5))

    # nine patches contain a pixel, six at an edge and four in a corner
    rows, columns = torch.tensor([2, 3, 3, 2]), torch.tensor([2, 3, 3, 3, 2])
    torch.testing.assert_close(folded, x * rows[:, None] * columns)


@pytest.mark.parametrize(("heads", "splits"), [(5, 4), (0, 4), (4, 0)])
def test_impossible_heads_are_named(heads, splits):
    with pytest.raises(ValueError, match=f"36 features .* heads={heads}, splits={splits}"):
        EfficientTransformer(features=8, heads=heads, splits=splits)
