from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner, Result

from askdoc.cli.eval import _print_table, eval_command
from askdoc.errors import AskdocError, LoadError, UsageError
from askdoc.evaluation import plot, run
from askdoc.evaluation.gates import FIGURES
from askdoc.evaluation.report import AnswerReport


@pytest.fixture
def ask_eval(monkeypatch: pytest.MonkeyPatch, open_small: Callable[..., Any]) -> Callable[..., Result]:
    """Runs `askdoc eval` on an index that can be reasoned about by hand."""
    monkeypatch.setattr(run, "temporary_index", open_small)
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.callback(invoke_without_command=True, result_callback=_exit)
    def group() -> None:
        """Makes a group of it, as `askdoc` is one."""

    app.command("eval")(eval_command)
    return lambda *arguments: CliRunner().invoke(app, ["eval", *(str(argument) for argument in arguments)])


def _exit(status: int) -> None:
    """As `askdoc` does: what a command returns is the exit status."""
    raise typer.Exit(status)


Eval = Callable[..., Result]


def test_json_goes_to_stdout_when_it_is_no_terminal(ask_eval: Eval, town: Path) -> None:
    result = ask_eval(town)
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["setting"]["data"] == "town"


def test_the_table_names_the_figures(ask_eval: Eval, town: Path, animals: Path) -> None:
    result = ask_eval(town, "--table", "--off-topic", animals)
    assert result.exit_code == 0
    for figure in ("hit@5", "end to end", "F1", "HasAns", "coverage at 80 % accuracy", "ECE", "off-topic", "p50 / p95"):
        assert figure in result.stdout


@pytest.mark.parametrize(
    ("option", "kept", "failed"),
    [
        ("--min-f1", 0.83, 0.84),
        ("--min-em", 0.5, 0.51),
        ("--min-hit5", 1.0, None),
        ("--min-coverage", 0.66, 0.67),
        ("--max-ece", 0.24, 0.23),
    ],
)
def test_a_gate_fails_just_beyond_the_figure(
    ask_eval: Eval, town: Path, option: str, kept: float, failed: float | None
) -> None:
    """Town: F1 5/6, EM 1/2, two of three questions right and surest, ECE (0.1 + 0.4 + 0.2) / 3."""
    assert ask_eval(town, option, kept).exit_code == 0
    if failed is not None:
        result = ask_eval(town, option, failed)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"gate failed: {FIGURES[option].name} is 0.")
        assert f"{option} {failed}" in result.stderr
        assert json.loads(result.stdout)  # the figures are shown all the same


def test_every_failed_gate_has_its_line(ask_eval: Eval, town: Path) -> None:
    result = ask_eval(town, "--min-f1", 1, "--min-em", 1, "--max-ece", 0, "--min-hit5", 0.1)
    assert [line.split(" is ")[0] for line in result.stderr.splitlines()] == [
        "gate failed: end-to-end F1",
        "gate failed: end-to-end exact match",
        "gate failed: calibration error (ECE)",
    ]


def test_a_beir_folder_allows_the_retrieval_gate_only(ask_eval: Eval, beir: Path) -> None:
    assert ask_eval(beir, "--min-hit5", 1).exit_code == 0
    assert isinstance(ask_eval(beir, "--min-f1", 0.1).exception, UsageError)


def test_bad_data_is_left_to_the_one_handler_of_errors(ask_eval: Eval, tmp_path: Path) -> None:
    assert isinstance(ask_eval(tmp_path / "missing.json").exception, LoadError)


def test_the_sample_is_asked_and_predictions_are_kept(ask_eval: Eval, town: Path, tmp_path: Path) -> None:
    said = tmp_path / "said.jsonl"
    result = ask_eval(town, "--sample", 2, "--seed", 3, "--predictions", said)
    assert result.exit_code == 0
    assert len(said.read_text().splitlines()) == 2


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_plot_is_drawn(ask_eval: Eval, town: Path, animals: Path, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curve{suffix}"
    assert ask_eval(town, "--off-topic", animals, "--plot", path).exit_code == 0
    if suffix == ".png":
        assert path.read_bytes().startswith(b"\x89PNG\r\n")
    else:
        assert ElementTree.parse(path).getroot().tag.endswith("svg")  # noqa: S314 - a file of our own


def test_the_same_figures_give_the_same_plot(town: Path, open_small: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report = run.evaluate(town, run.Plan(), open_texts=open_small).report
    assert isinstance(report, AnswerReport)
    for name in ("a.svg", "b.svg"):
        plot.draw(report, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("name", ["curve.pdf", "curve", "nowhere/curve.png"])
def test_a_plot_that_cannot_be_drawn_is_refused_before_measuring(
    ask_eval: Eval, town: Path, tmp_path: Path, name: str
) -> None:
    result = ask_eval(town, "--plot", tmp_path / name)
    assert isinstance(result.exception, UsageError)
    assert result.stdout == ""


def test_predictions_that_cannot_be_kept_are_refused_before_measuring(
    ask_eval: Eval, town: Path, tmp_path: Path
) -> None:
    result = ask_eval(town, "--predictions", tmp_path / "nowhere" / "said.jsonl")
    assert isinstance(result.exception, UsageError)
    assert result.stdout == ""


def test_without_matplotlib_the_hint_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "find_spec", lambda _name: None)
    with pytest.raises(AskdocError) as caught:
        plot.check_plot(tmp_path / "curve.png")
    assert "askdoc[eval]" in caught.value.hint


def test_the_help_of_the_command_loads_nothing_heavy() -> None:
    program = "import sys, askdoc.cli.eval; print({'numpy', 'matplotlib', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_table_prints_names_as_they_are(
    town: Path, open_small: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Square brackets in a file's name are no markup."""
    named = town.rename(town.with_name("[red]town.json"))
    _print_table(run.evaluate(named, run.Plan(), open_texts=open_small).report)
    assert "[red]town" in capsys.readouterr().out
