"""A measurement names its commit, and does without where there is none."""

from __future__ import annotations


def test_a_machine_without_git_measures_too(benchmark, monkeypatch, tmp_path):
    of = benchmark("commit")

    monkeypatch.setenv("PATH", str(tmp_path))
    assert of.commit() == "unknown"


def test_a_tree_outside_a_clone_measures_too(benchmark, monkeypatch, tmp_path):
    of = benchmark("commit")

    monkeypatch.setattr(of, "ROOT", tmp_path)
    assert of.commit() == "unknown"
