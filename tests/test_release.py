"""The release's tools find what they are there to find; `make release-check` runs them."""

from __future__ import annotations

import re
import runpy
import tarfile
import tomllib
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import napari_sr
from napari_sr.zoo.download import SHIPPED

ROOT = Path(__file__).parents[1]
RELEASE = ROOT / "tools" / "release"


def tool(name):
    return runpy.run_path(str(RELEASE / f"{name}.py"))


def wheel_of(folder, **changes):
    """Write a wheel that is complete but for the changes: contents by name, None to leave out."""
    registry = (ROOT / "src/napari_sr/zoo/registry.json").read_bytes()
    metadata = (
        b"Metadata-Version: 2.4\nSummary: s\nLicense-Expression: BSD-3-Clause\n"
        b"Requires-Python: >=3.11\n"
        b"Project-URL: Homepage, https://a.b\nClassifier: Framework :: napari\n\n[a](https://a.b)"
    )
    files = {
        **dict.fromkeys(tool("check_artefacts")["NEEDED"], b""),
        **{f"napari_sr/zoo/weights/{one.name}": one.read_bytes() for one in SHIPPED.iterdir()},
        "napari_sr/zoo/registry.json": registry,
        "napari_sr-1.dist-info/METADATA": metadata,
        "napari_sr-1.dist-info/licenses/LICENSE": b"",
        **changes,
    }
    with zipfile.ZipFile(folder / "a.whl", "w") as wheel:
        for name, content in files.items():
            if content is not None:
                wheel.writestr(name, content)
    return folder / "a.whl"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("napari_sr/py.typed", None, "lacks napari_sr/py.typed"),
        ("napari_sr/tests/a.py", b"", "which is not of the package"),
        ("tests/a.py", b"", "which is not of the package"),
        ("napari_sr/a.pth", b"", "unexpected kind '.pth'"),
        ("napari_sr/zoo/weights/fsrcnn-x2.safetensors", b"x", "the registry says"),
        ("napari_sr/zoo/weights/fsrcnn-x3.safetensors", None, "lacks the weights of fsrcnn-x3"),
        ("napari_sr-1.dist-info/licenses/LICENSE", None, "lacks the licence"),
        (
            "napari_sr-1.dist-info/METADATA",
            b"Summary: s\n\n[a](docs/a.md)",
            "docs/a.md, which is no",
        ),
        ("napari_sr-1.dist-info/METADATA", b"Metadata-Version: 2.5\n", "have version 2.5"),
    ],
)
def test_a_fault_of_a_wheel_is_found(tmp_path, name, content, fault):
    of_wheel = tool("check_artefacts")["of_wheel"]

    assert list(of_wheel(wheel_of(tmp_path))) == []
    assert fault in "; ".join(of_wheel(wheel_of(tmp_path, **{name: content})))


def test_a_fault_of_a_source_distribution_is_found(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "LICENSE", "napari_sr-1/LICENSE")
        archive.add(ROOT / "LICENSE", "napari_sr-1/src/a.pyc")

    faults = "; ".join(tool("check_artefacts")["of_source"](tmp_path / "a.tar.gz"))

    assert "lacks pyproject.toml" in faults
    assert "lacks LICENSE" not in faults
    assert "contains src/a.pyc" in faults


def test_the_readme_of_a_package_index_has_no_paths():
    build = runpy.run_path(str(ROOT / "hatch_build.py"))
    text = "![p](docs/a.png) [l](docs/a.md#b) [w](https://a.b) [h](#c)"
    base = "napari-sr/napari-sr"

    assert build["with_addresses"](text, "1.2") == (
        f"![p](https://raw.githubusercontent.com/{base}/v1.2/docs/a.png) "
        f"[l](https://github.com/{base}/blob/v1.2/docs/a.md#b) [w](https://a.b) [h](#c)"
    )


def test_the_recipe_asks_for_what_the_package_asks_for():
    recipe = tool("recipe")
    text = recipe["filled"]("1.2.3", "ab" * 32)

    assert recipe["stated"](text) == recipe["requirements"]()
    found = yaml.safe_load(text)
    assert found["context"] == {"version": "1.2.3", "python_min": "3.11"}
    assert found["source"]["sha256"] == "ab" * 32
    assert found["about"]["license"] == "BSD-3-Clause"


def test_the_changelog_has_notes_for_this_version_and_a_date_is_required_to_publish():
    notes = tool("notes")["notes"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert 10 < notes(text, napari_sr.__version__, dated=False).count("\n") < 40
    assert notes("## 1 (2026-01-02)\n\na\n\n## 0 (x)\nb\n", "1", dated=True) == "a\n"
    with pytest.raises(ValueError, match="the date of publication"):
        notes("## 1 (not yet published)\n", "1", dated=True)


def test_the_lock_has_every_package_of_the_tests_with_its_hash():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lock = (ROOT / ".github" / "test-lock.txt").read_text()
    locked = {}
    for line in re.findall(
        r"^([\w.-]+==[^ ;\\]+)[^\n]*\n\s+--hash=sha256:[0-9a-f]{64}", lock, re.M
    ):
        name, _, version = line.partition("==")
        locked.setdefault(name, []).append(Version(version))

    wanted = [Requirement(line) for line in project["dependencies"]]
    for extra in (
        "distributed",
        "formats",
        "onnx",
        "openvino",
        "spandrel",
        "test",
        "test-base",
        "zarr",
    ):
        wanted += [Requirement(line) for line in extras[extra]]
    for one in wanted:
        if one.name != "napari-sr":
            versions = locked[one.name.lower()]
            assert all(one.specifier.contains(version) for version in versions), one


def test_every_file_that_the_workflows_call_exists():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for name in re.findall(r"(?:tools|\.github)/[\w./-]+", path.read_text()):
            assert (ROOT / name).exists(), name
    targets = (ROOT / "Makefile").read_text()
    assert "\nrelease-check:" in targets
    assert "\ndocs:" in targets


def test_a_dependency_without_a_licence_is_found(capsys, monkeypatch):
    licences = tool("licences")
    found = {row[0] for row in licences["rows"]([])}

    assert {"numpy", "torch", "napari"} <= found
    licences["main"].__globals__["rows"] = lambda extras: [("a", "1", licences["UNSTATED"])]
    assert licences["main"]([]) == 1
    assert "no licence is stated by a" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "stated"),
    [("", "none needed: it only asks for other packages"), ("a.py,,\n", "not stated")],
)
def test_a_package_without_files_needs_no_licence(tmp_path, files, stated):
    folder = tmp_path / "a-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: a\nVersion: 1\n")
    (folder / "RECORD").write_text(f"a-1.dist-info/METADATA,,\n{files}")
    (tmp_path / "a.py").touch()  # since Python 3.12, missing files are not listed

    assert tool("licences")["licence_of"](PathDistribution(folder)).startswith(stated)


def test_the_pages_of_the_site_keep_their_links():
    site = runpy.run_path(str(ROOT / "tools" / "site_pages.py"))

    text = "[a](../README.md#b) [c](../pyproject.toml) [d](images/upscale.png) [e](https://a.b)"
    assert site["with_links"](text, Path("docs")) == text.replace(
        "../pyproject.toml", site["GITHUB"] + "pyproject.toml"
    )
    for name in napari_sr.__all__:
        assert name == "__version__" or f"## napari_sr.{name}\n" in site["reference"]()


def test_the_pages_in_the_navigation_of_the_site_exist():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")

    named = set(re.findall(r"\b[\w/]+\.md\b", text)) - {"docs/api.md"}  # which is written
    assert len(named) > 30
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_actions_are_pinned_to_commits_and_keep_no_credentials():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        steps = [step for job in jobs.values() for step in job.get("steps", []) if "uses" in step]
        for step in steps:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), (path.name, step)
            if step["uses"].startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, path.name


def test_no_text_names_the_host_of_a_package_registry():
    hosts = re.compile(r"(pypi|pythonhosted|anaconda)\.(org|com)")
    folders = ("src", "kernels", "docs", "tools", "recipe", "benchmarks", ".github")
    texts = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    known = {".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml", ".json"}
    texts = [path for path in [*texts, *ROOT.glob("*.*")] if path.suffix in known]
    named = [path for path in texts if hosts.search(path.read_text(encoding="utf-8"))]
    assert len(texts) > 100 and not named
