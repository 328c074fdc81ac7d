"""What a start costs, by what is imported: no clock, and no surprise when a library grows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from programs import ASKDOC, ROOT, run

TORCH = {"torch", "sentence_transformers", "transformers", "sklearn", "scipy"}
NUMERIC = {"numpy", "faiss", "tantivy", "onnxruntime", "tokenizers"}
OTHERS = {
    "prompt_toolkit", "charset_normalizer", "filelock", "pathspec", "watchfiles", "askdoc.build", "askdoc.evaluation",
    "askdoc.training",
}  # fmt: skip

REPORT = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), sep="\\n", file=open({place!r}, "w")))
from askdoc.__main__ import main
sys.argv = ["askdoc", *{words!r}]
sys.exit(main())
"""


def imported(place: Path, *words: str) -> set[str]:
    """The modules that were loaded when the program ended, and the packages they are in."""
    script = REPORT.format(place=str(place / "modules"), words=words)
    done = run([sys.executable, "-c", script], cwd=ROOT, stdin=b"")
    assert done.status in (0, 1), done.err
    modules = (place / "modules").read_text().split()
    return {*modules, *(module.split(".")[0] for module in modules)}


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("index", "--help"),
        ("ask", "--help"),
        ("watch", "--help"),
        ("verify", "--help"),
        ("eval", "--help"),
        ("calibrate", "--help"),
    ],
)
def test_help_loads_nothing_that_computes(words: tuple[str, ...], tmp_path: Path) -> None:
    loaded = imported(tmp_path, *words)
    assert "askdoc.cli.app" in loaded
    assert not loaded & (TORCH | NUMERIC | OTHERS)
    assert not loaded & {"askdoc.ask", "askdoc.stores.folder.store", "rich.console"}


def test_a_question_loads_the_runtime_and_never_torch(tmp_path: Path) -> None:
    loaded = imported(tmp_path, "who is Trump's envoy?", "--json", "--refresh", "never")
    assert loaded >= {"askdoc.ask", *NUMERIC}
    assert not loaded & (TORCH | OTHERS)


def test_a_question_about_changed_documents_never_loads_torch(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The old stone bridge was finished by Thomas Reed.")
    docs, index = str(tmp_path / "docs"), str(tmp_path / "index")
    assert not imported(tmp_path, "index", docs, "--index", index) & (TORCH | {"prompt_toolkit"})
    (tmp_path / "docs" / "b.txt").write_text("The mill was not.")
    loaded = imported(tmp_path, "search", "mill", "--json", "--index", index)
    assert "askdoc.build" in loaded
    assert not loaded & (TORCH | {"prompt_toolkit", "askdoc.training"})


def test_verifying_loads_no_model_and_opens_no_index(tmp_path: Path) -> None:
    (tmp_path / "reply.json").write_text(run([*ASKDOC, "airline", "--refresh", "never"], cwd=ROOT).out)
    loaded = imported(tmp_path, "verify", str(tmp_path / "reply.json"))
    assert "askdoc.verify" in loaded
    assert not loaded & (TORCH | {"onnxruntime", "tokenizers", "watchfiles", "askdoc.ask", "askdoc.readers.onnx"})


def test_searching_loads_no_reader(tmp_path: Path) -> None:
    assert "askdoc.readers.onnx" not in imported(tmp_path, "search", "airline", "--json", "--refresh", "never")


def test_importing_askdoc_loads_nothing_heavy() -> None:
    script = "import askdoc, sys; print(askdoc.__version__, *dir(askdoc)); print(*sys.modules)"
    done = run([sys.executable, "-c", script], cwd=ROOT)
    names, modules = done.out.splitlines()
    assert "open_index" in names
    assert not set(modules.split()) & (TORCH | NUMERIC | OTHERS | {"askdoc.types", "typer"})


BROKEN = "raise ImportError('cannot load the core')"
CTRL_C = "raise ImportError('cannot load the core') from KeyboardInterrupt()"


@pytest.mark.parametrize(
    ("module", "says", "status", "said"),
    [
        ("typer", BROKEN, 2, "hint: reinstall askdoc"),
        ("faiss", BROKEN, 2, "an internal error: ImportError: cannot load the core"),
        ("typer", CTRL_C, 130, ""),
        ("faiss", CTRL_C, 130, ""),
    ],
)
def test_a_library_that_does_not_load_is_no_missing_answer(
    module: str, says: str, status: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / f"{module}.py").write_text(says)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    ran = run([*ASKDOC, "airline?", "--refresh", "never"], cwd=ROOT, env={"PYTHONPATH": path})
    assert ran.status == status
    assert said in ran.err
    assert bool(ran.err) == bool(said)
