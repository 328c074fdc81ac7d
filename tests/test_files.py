from __future__ import annotations

import os
from pathlib import Path

import pytest

from askdoc import files
from askdoc.errors import UsageError
from askdoc.files import find_files
from askdoc.types import Skipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of documents beside something outside of it."""
    for name in ("docs/b.txt", "docs/sub/a.md", "docs/sub/deep/c.TXT", "outside/secret.txt"):
        write(tmp_path / name)
    return tmp_path / "docs"


def write(path: Path, data: bytes = b"Some text.\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(folder: Path, *paths: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_files(paths or [folder]).files]


def reasons(folder: Path, *paths: Path) -> dict[str, str]:
    return {os.path.relpath(entry.path, folder): entry.reason for entry in find_files(paths or [folder]).skipped}


def test_a_folder_yields_its_documents_sorted_absolute_and_with_nothing_left_out(folder: Path) -> None:
    assert names(folder) == ["b.txt", "sub/a.md", "sub/deep/c.TXT"]
    assert all(path.is_absolute() for path in find_files([folder]).files)
    assert reasons(folder) == {}


def test_a_file_reached_in_several_ways_counts_once(folder: Path) -> None:
    assert names(folder, folder / "sub", folder, folder / "b.txt", folder / "sub" / ".." / "b.txt") == names(folder)


def test_paths_are_reported_as_they_were_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "sub/photo.jpeg")
    monkeypatch.chdir(folder.parent)
    found = find_files([Path("docs")])
    assert found.skipped == (Skipped("docs/sub/photo.jpeg", "no loader for .jpeg files"),)
    assert found.files[0] == folder.resolve() / "b.txt"


def test_in_a_folder_unknown_formats_are_left_out_with_the_reason(folder: Path) -> None:
    write(folder / "x.xyz")
    write(folder / "Makefile")
    assert reasons(folder) == {"x.xyz": "no loader for .xyz files", "Makefile": "no loader for files without an ending"}


def test_a_named_file_of_unknown_format_is_taken_if_it_looks_like_text(folder: Path) -> None:
    text, binary = write(folder / "x.xyz"), write(folder / "y.xyz", b"\0\1\2\3" * 100)
    assert names(folder, text, binary) == ["x.xyz"]
    assert reasons(folder, text, binary) == {"y.xyz": "no loader for .xyz files"}


def test_hidden_files_and_folders_are_left_out_unless_named(folder: Path) -> None:
    hidden, inner = write(folder / ".hidden.txt"), write(folder / ".git/inner.txt")
    assert names(folder) == ["b.txt", "sub/a.md", "sub/deep/c.TXT"]
    assert reasons(folder) == {".hidden.txt": "hidden", ".git": "hidden"}
    assert names(folder, hidden, inner.parent) == [".git/inner.txt", ".hidden.txt"]
    assert reasons(folder, folder, hidden, inner.parent) == {}


def test_links_are_followed_inside_the_folder_only(folder: Path) -> None:
    (folder / "out").symlink_to(folder.parent / "outside")
    (folder / "out.txt").symlink_to(folder.parent / "outside/secret.txt")
    (folder / "broken.txt").symlink_to(folder / "missing.txt")
    (folder / "in.txt").symlink_to(write(folder / ".kept/real.txt"))
    assert names(folder) == [".kept/real.txt", "b.txt", "sub/a.md", "sub/deep/c.TXT"]
    assert reasons(folder) == {
        ".kept": "hidden",
        "out": "a link that leads out of the folder",
        "out.txt": "a link that leads out of the folder",
        "broken.txt": "a link that leads nowhere",
    }


def test_a_named_link_is_followed(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert find_files([link]).files == find_files([folder]).files


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "sub/up").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    assert names(folder) == ["b.txt", "sub/a.md", "sub/deep/c.TXT"]
    assert reasons(folder) == {"self": "a link that leads nowhere"}


def test_a_folder_that_cannot_be_opened_costs_only_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list_folder = Path.iterdir

    def refuse(path: Path) -> object:
        if path.name == "sub":
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    monkeypatch.setattr(Path, "iterdir", refuse)  # the tests may run as root, whom no permission stops
    assert names(folder) == ["b.txt"]
    assert reasons(folder) == {"sub": "cannot be opened: permission denied"}


@pytest.mark.parametrize("part", ["manifest.json", "writer.lock"])
def test_an_index_is_no_document_even_if_named(folder: Path, part: str) -> None:
    write(folder / "index" / part)
    write(folder / "index/generations/1/notes.txt")
    assert reasons(folder) == {"index": "an askdoc index"}
    assert names(folder, folder / "index") == []


def test_a_folder_that_only_resembles_an_index_is_searched(folder: Path) -> None:
    write(folder / "web/manifest.json")
    write(folder / "web/page.md")
    assert "web/page.md" in names(folder)


@pytest.mark.parametrize("missing", ["nothing.txt", "b.txt/inner", "nul\0", "half\ud800"])
def test_a_missing_path_is_a_usage_error_that_says_what_to_do(folder: Path, missing: str) -> None:
    with pytest.raises(UsageError, match="there is no file or folder") as caught:
        find_files([folder, folder / missing])
    assert caught.value.hint


def test_a_huge_file_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1024**2)
    with (folder / "b.txt").open("wb") as file:
        file.truncate(1024**2 + 1)
    assert reasons(folder) == {"b.txt": "larger than 1 MiB"}
    assert reasons(folder, folder / "b.txt") == {"b.txt": "larger than 1 MiB"}


def test_a_pipe_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    assert reasons(folder) == {"pipe.txt": "not a regular file"}
    assert reasons(folder, folder / "pipe.txt") == {"pipe.txt": "not a regular file"}


def test_strange_names_do_not_stop_the_search(folder: Path) -> None:
    write(folder / "two\nlines.txt")
    write(folder / os.fsdecode(b"caf\xe9.txt"))
    assert "two\nlines.txt" in names(folder)
    assert reasons(folder) == {"caf\\udce9.txt": "its name is not UTF-8, so it could not be cited"}


def test_no_paths_find_nothing() -> None:
    assert find_files([]) == files.Found((), ())
