"""A recorder of CUDA graphs that needs no GPU: it repeats operators on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

CPU = torch.device("cpu")


class Tape(TorchDispatchMode):
    """Writes down every operator with the very tensors that it took and gave."""

    def __init__(self):
        super().__init__()
        self.operators = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.operators.append((func, args, kwargs or {}, result))
        return result


class FakeRecording:
    """A capture on the CPU: computes nothing when made, and shares its memory with all others."""

    def __init__(self, call, others):
        self.tape = Tape()
        with self.tape:
            self.results = call()
        self.others = others
        others.append(self)
        self.forget()

    def written(self):
        return [leaf for *_, result in self.tape.operators for leaf in tree_leaves(result)]

    def forget(self):
        for tensor in self.written():
            tensor.fill_(float("nan") if tensor.is_floating_point() else 0)

    def replay(self):
        for other in self.others:
            if other is not self:
                other.forget()
        for func, args, kwargs, result in self.tape.operators:
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                old.copy_(new)


class FakeRecorder:
    """Captures on the CPU whatever does not read a value."""

    def __init__(self):
        self.recordings = []
        self.shared_with = []
        self.failed = False

    def accepts(self, devices):
        return not self.failed and set(devices) == {CPU}

    def disable(self):
        self.failed = True

    def record(self, call, device, other):
        assert device == CPU
        self.shared_with.append(other)
        return FakeRecording(call, self.recordings)


class Copies(TorchDispatchMode):
    """Counts what is copied from one device to another."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        devices = {leaf.device for leaf in tree_leaves((args, result)) if isinstance(leaf, Tensor)}
        self.count += len(devices) > 1
        return result
