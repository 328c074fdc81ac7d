"""One definition a concept, and one class a name: whoever reads a name knows which one is meant."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lanes import SLOW, TESTS
from programs import ROOT

PACKAGE = ROOT / "askdoc"
CONCEPTS = ("Progress", "Stage", "REFRESH", "SCHEMA", "ANSWERED", "NOT_ANSWERED", "FAILED", "INTERRUPTED")
# Both lists may only shrink.
DEFINED_TWICE = {"SCHEMA"}  # outputs/json writes it; verify reads it
SAME_NAME = {"Paragraph", "Part", "Scored"}


@cache
def modules() -> list[tuple[str, ast.Module]]:
    """The modules that are installed."""
    trees = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("training/"):
            trees.append((name, ast.parse(path.read_text(encoding="utf-8"))))
    return trees


def assigned(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    for target in targets:
        for name in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(name, ast.Name):
                yield name.id


def test_a_concept_is_defined_once() -> None:
    places = defaultdict(list)
    for module, tree in modules():
        for statement in tree.body:
            for name in assigned(statement):
                if name in CONCEPTS:
                    places[name].append(module)
    assert set(places) == set(CONCEPTS), "a concept was renamed: rename it here"
    assert {name for name, found in places.items() if len(found) > 1} == DEFINED_TWICE, dict(places)


def test_a_public_class_has_a_name_of_its_own() -> None:
    places = defaultdict(list)
    for module, tree in modules():
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
                places[statement.name].append(module)
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert twice.keys() == SAME_NAME, twice


def test_the_check_finds_a_second_definition() -> None:
    tree = ast.parse("FAILED, OTHER = 2, 3\nProgress: TypeAlias = int\nx.SCHEMA = 1")
    assert [name for statement in tree.body for name in assigned(statement)] == ["FAILED", "OTHER", "Progress"]


def test_what_is_called_slow_exists() -> None:
    assert [place for place in SLOW if not (TESTS / place.partition("[")[0]).exists()] == []


def test_the_package_is_where_it_is_looked_for() -> None:
    assert Path(PACKAGE / "progress.py").is_file()
