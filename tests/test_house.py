"""The rules of the house that no linter knows, read off the syntax trees."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py")) + sorted((ROOT / "kernels").rglob("*.py"))

# imports point from later rows to earlier ones only
LAYERS = [
    {"atomic_write"},
    {"sr_kernels"},
    {"graph"},
    {"layers"},
    {"models"},
    {"engine.image"},
    {"engine.planning"},
    {"engine.backends"},
    {"engine.execution"},
    {"zoo", "files"},
    {"consistency"},
    {"runs", "advice"},
    {"streaming"},
    {"batch"},
    {"api", "loading"},
    {"evaluation"},
    {"training", "onnx"},
    {"samples", "reader", "writer"},
    {"widgets"},
    {"demo"},
    {"cli"},
    {"__main__"},
]
WINDOWED = {"widgets", "demo"}
"""The only parts that may import Qt or napari."""
QT = {"qtpy", "napari", "magicgui", "superqt", "vispy", "npe2"}
API = {"__version__", "blend", "load", "upscale", "upscale_lazy"}
"""What every part may import from the package itself."""


def part_of(path):
    """Return the part of the house that a file belongs to."""
    if "kernels" in path.relative_to(ROOT).parts[:1]:
        return "sr_kernels"
    return part_named(".".join(path.relative_to(ROOT / "src").with_suffix("").parts))


def part_named(name):
    """Return the part that a module of ours belongs to; the engine has three."""
    _, part, *rest = name.split(".")
    return f"{part}.{rest[0]}" if part == "engine" and rest and rest[0] != "__init__" else part


def level(part):
    return next((number for number, row in enumerate(LAYERS) if part in row), None)


@cache
def tree_of(path):
    return ast.parse(path.read_text())


def imports_of(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# each of these tests reads all files: one test per file would take longer than what it checks


def wrong_imports(path):
    """Yield what is wrong with the imports of a file, in sentences."""
    part = part_of(path)
    if part in ("__init__", "engine"):
        return
    if level(part) is None:
        yield f"{path}: {part} has no place in the house: add it to LAYERS"
        return
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        if part not in WINDOWED and top in QT:
            yield f"{path} imports {name}"
        other = "sr_kernels" if top == "sr_kernels" or not rest else part_named(name)
        ours = top in ("napari_sr", "sr_kernels") and other != part
        if ours and other not in API and level(other) >= level(part):
            yield f"{path} imports {name}"


def test_imports_point_one_way():
    assert [wrong for path in SOURCES for wrong in wrong_imports(path)] == []


def test_shipped_code_has_a_docstring_and_no_assert():
    assert [str(path) for path in SOURCES if not ast.get_docstring(tree_of(path))] == []
    asserts = [
        f"{path}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert asserts == []


def is_compiled(function):
    """Return whether a function is Triton's, which has no use for types."""
    marks = ("triton.jit", "kernel_jit")
    return any(ast.unparse(each).startswith(marks) for each in function.decorator_list)


def untyped(function):
    """Yield the arguments of a function without a type, and "return" if its result has none."""
    given = function.args
    for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs):
        if argument.annotation is None and argument.arg not in ("self", "cls"):
            yield argument.arg
    if function.returns is None:
        yield "return"


def test_every_function_but_a_kernel_says_its_types():
    bare = [
        f"{path}:{node.lineno} {node.name}: {name}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef) and not is_compiled(node)
        for name in untyped(node)
    ]

    assert bare == []


def test_no_source_file_is_longer_than_250_lines():
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}

    assert {str(path): length for path, length in lengths.items() if length > 250} == {}


def test_every_source_file_has_a_test_of_its_name():
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    sources = {
        path.stem.strip("_")
        for path in SOURCES
        if path.stem != "__main__" and (path.stem != "__init__" or path.parent.name == "models")
    }

    assert sources - tests == set()


def test_importing_the_package_brings_neither_torch_nor_qt():
    heavy = ("torch", "qtpy", "napari", "numpy")
    code = f"import sys, napari_sr; print([m for m in {heavy} if m in sys.modules])"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"


def imported_at_once(path):
    """Yield what a file imports when it is imported itself: not in functions, nor for types."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def brought_by(path):
    """Return all that comes with a file: other packages' modules, and files of ours."""
    found, waiting = set(), [path]
    while waiting:
        for name in imported_at_once(waiting.pop()):
            stem = ROOT / "src" / name.replace(".", "/")
            places = (stem.with_suffix(".py"), stem.parent.with_suffix(".py"))
            ours = next((place for place in places if place.is_file()), name)
            if ours not in found:
                found.add(ours)
                waiting += [] if ours is name else [ours]
    return found


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for pattern in ("*/form.py", "functions/[cefmprs]*.py")
        for path in (ROOT / "src/napari_sr/widgets").glob(pattern)
    ),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_opening_a_form_brings_neither_torch_nor_readers_of_files(path):
    # a form opens on the window's thread; there, torch may even end the process, see first_import
    found = brought_by(path)

    names = {str(name).partition(".")[0] for name in found if not isinstance(name, Path)}
    assert path.stem != "form" or path.with_name("fields.py") in found
    assert not names & {"torch", "triton", "tifffile", "PIL", "zarr", "dask", "scipy", "skimage"}


@pytest.fixture(scope="module")
def walked():
    """Return what a process prints that upscales an image in tiles and whole."""
    walk = ROOT / "benchmarks" / "quality" / "walk.py"
    code = f"""import runpy, sys
for options in ([], ["--whole"]):
    sys.argv = ["walk.py", *options]
    runpy.run_path({str(walk)!r}, run_name="__main__")
print([m for m in ("qtpy", "napari") if m in sys.modules])
"""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_the_engine_brings_neither_qt_nor_napari(walked):
    assert walked.splitlines()[-1] == "[]"


def test_an_image_s_way_to_the_network_and_back_is_short(walked):
    found = re.findall(r"(\d+) stops in (\d+) files: (\d+) returns", walked)
    assert len(found) == 2  # in tiles, and whole
    for stops, files, returns in (map(int, one) for one in found):
        assert files <= 12
        assert returns <= 8
        assert stops > 15  # or else the way is not seen


STARTING = ("get_context", "Pool", "ProcessPoolExecutor", "Process", "fork", "DataLoader")


def called(node):
    """Return the last part of the name that is called, or None."""
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def test_processes_are_spawned_and_never_forked():
    files = [*SOURCES, *sorted((ROOT / "benchmarks").rglob("*.py"))]
    calls = [
        (path.name, ast.unparse(node))
        for path in files
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and called(node) in STARTING
    ]

    contexts = [(name, call) for name, call in calls if "get_context(" in call]
    pools = ("Pool(", "ProcessPoolExecutor(", "Process(", "os.fork(", "DataLoader(")
    started = [(name, call) for name, call in calls if call.startswith(pools)]

    assert [one for one in contexts if "get_context('spawn')" not in one[1]] == []
    assert [one for one in started if "get_context('spawn')" not in one[1]] == []


def test_files_are_written_whole_or_not_at_all():
    writers = ("write_text", "write_bytes", "tofile", "savez", "save_file", "imwrite", "imsave")
    # the one that does so, one that looks whether a folder can be written, rows that are added to
    # a log or a journal, and a file that pooch made under a private name
    exempt = (
        "atomic_write.py", "place.py", "log.py", "journal.py", "folder_journal.py", "transfer.py",
    )  # fmt: skip

    found = []
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call) or path.name in exempt:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = node.func.id if isinstance(node.func, ast.Name) else called
            modes = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            opens = called == "open" and any(set("wax+") & set(str(mode)) for mode in modes)
            into_a_file = node.args and ast.unparse(node.args[0]) == "file"
            if opens or (called in writers and not into_a_file):
                found.append(f"{path.name}:{node.lineno} calls {called}")

    assert found == []
