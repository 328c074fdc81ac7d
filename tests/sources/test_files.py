from __future__ import annotations

import os
from pathlib import Path

import pytest

from askdoc.errors import UsageError
from askdoc.sources import selection as files
from askdoc.sources.selection import Selection, find_files, grouped, parse_size, size_in_words
from askdoc.types import LeftOut, Skipped


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
    list_folder = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", refuse)  # the tests may run as root, whom no permission stops
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


def test_a_huge_file_is_left_out_even_if_named(folder: Path) -> None:
    with (folder / "b.txt").open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)
    assert reasons(folder) == {"b.txt": "larger than 256 MB"}
    assert reasons(folder, folder / "b.txt") == {"b.txt": "larger than 256 MB"}
    assert find_files([folder], Selection(max_bytes=10)).files == ()
    assert "b.txt" in [path.name for path in find_files([folder], Selection(max_bytes=10**9)).files]


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


# Ignore files, and what a person asks for ----------------------------------------------------------------------------


def rules(path: Path, *lines: str) -> None:
    write(path, "\n".join(lines).encode() + b"\n")


def test_an_ignored_folder_counts_once_and_is_not_searched(folder: Path) -> None:
    write(folder / "build/deep/out.txt")
    rules(folder / ".askdocignore", "build/", "b.*")
    assert names(folder) == ["sub/a.md", "sub/deep/c.TXT"]
    assert reasons(folder) == {
        ".askdocignore": "hidden",
        "b.txt": "ignored by .askdocignore",
        "build": "ignored by .askdocignore",
    }


def test_a_gitignore_counts_in_working_trees_of_git_only(folder: Path) -> None:
    rules(folder / ".gitignore", "*.txt")
    assert "b.txt" in names(folder)
    (folder / ".git").mkdir()
    assert names(folder) == ["sub/a.md", "sub/deep/c.TXT"]
    rules(folder / ".git/info/exclude", "*.TXT")
    assert names(folder) == ["sub/a.md"]
    assert reasons(folder)["sub/deep/c.TXT"] == "ignored by .git/info/exclude"


def test_the_rules_above_a_named_folder_count_up_to_the_top_of_the_working_tree(folder: Path) -> None:
    rules(folder.parent / ".gitignore", "*.md")
    rules(folder / ".gitignore", "*.TXT")
    (folder / ".git").mkdir()
    assert names(folder, folder / "sub") == ["sub/a.md"]


def test_what_is_named_is_read_even_if_it_is_ignored(folder: Path) -> None:
    (folder / ".git").mkdir()
    rules(folder / ".gitignore", "*")
    assert names(folder) == []
    assert names(folder, folder / "b.txt", folder / "sub") == ["b.txt", "sub/a.md", "sub/deep/c.TXT"]
    assert reasons(folder, folder / "b.txt", folder / "sub") == {}


def test_a_working_tree_inside_another_has_rules_of_its_own(folder: Path) -> None:
    (folder / ".git").mkdir()
    rules(folder / ".gitignore", "*.md")
    (folder / "sub/.git").mkdir()
    assert names(folder) == ["b.txt", "sub/a.md", "sub/deep/c.TXT"]


def test_a_working_tree_whose_repository_is_elsewhere_has_its_excludes(folder: Path) -> None:
    repository = folder.parent / "repository"
    (folder / ".git").write_text("gitdir: ../repository/worktrees/docs\n")
    write(repository / "worktrees/docs/commondir", b"../..\n")
    rules(repository / "info/exclude", "*.md")
    assert names(folder) == ["b.txt", "sub/deep/c.TXT"]


def test_askdoc_has_the_last_word_over_git(folder: Path) -> None:
    (folder / ".git").mkdir()
    rules(folder / ".gitignore", "*.txt", "sub/")
    rules(folder / ".askdocignore", "!b.txt", "!sub/")
    assert names(folder) == ["b.txt", "sub/a.md", "sub/deep/c.TXT"]


def test_folders_of_packages_are_never_searched_unless_named(folder: Path) -> None:
    write(folder / "node_modules/left/readme.md")
    rules(folder / ".askdocignore", "!node_modules/")
    assert reasons(folder)["node_modules"] == "a folder of packages, not of documents"
    assert "node_modules/left/readme.md" in names(folder, folder / "node_modules")


def test_rules_are_read_whatever_their_line_breaks_and_encoding(folder: Path) -> None:
    write(folder / ".askdocignore", b"\xef\xbb\xbfb.txt\r\n\xff\r\n[\r\n[[:alpha:]].x\r\nsub/a.md  \r\n# c\r\n\\")
    assert names(folder) == ["sub/deep/c.TXT"]


def test_a_question_mark_is_one_character_not_one_byte(folder: Path) -> None:
    """Git counts bytes, so that `?.txt` does not ignore é.txt there."""
    write(folder / "é.txt")
    rules(folder / ".askdocignore", "?.txt")
    assert names(folder) == ["sub/a.md", "sub/deep/c.TXT"]


def test_rules_that_cannot_be_read_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules(folder / "sub/.askdocignore", "*.md")
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == ".askdocignore":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "sub/a.md" in names(folder)
    assert reasons(folder) == {"sub/.askdocignore": "cannot be opened: permission denied"}


def test_rules_in_a_pipe_or_behind_a_link_are_not_read(folder: Path) -> None:
    os.mkfifo(folder / ".askdocignore")
    rules(folder.parent / "outside/rules", "*.md")
    (folder / "sub/.askdocignore").symlink_to(folder.parent / "outside/rules")
    assert "sub/a.md" in names(folder)


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (("*.md",), (), ["sub/a.md"]),
        (("*.md", "*.TXT"), (), ["sub/a.md", "sub/deep/c.TXT"]),
        (("sub/",), (), ["sub/a.md", "sub/deep/c.TXT"]),
        (("/*.txt",), (), ["b.txt"]),
        (("*", "!*.md"), (), ["b.txt", "sub/deep/c.TXT"]),
        ((), ("*.md",), ["b.txt", "sub/deep/c.TXT"]),
        ((), ("deep/",), ["b.txt", "sub/a.md"]),
        ((), ("/a.md", "sub/deep/c.*"), ["b.txt", "sub/a.md"]),
        (("sub/",), ("*.md",), ["sub/deep/c.TXT"]),
        (("b.txt/",), (), []),
    ],
)
def test_a_person_says_which_files(
    folder: Path, include: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]
) -> None:
    found = find_files([folder], Selection(include=include, exclude=exclude))
    assert [path.relative_to(folder).as_posix() for path in found.files] == expected
    assert {one.reason for one in found.skipped} <= {"excluded by --exclude", "not among --include"}
    assert find_files([folder / "b.txt"], Selection(include=("*.md",), exclude=("*",))).files == (folder / "b.txt",)


def test_a_person_has_the_last_word_over_ignore_files(folder: Path) -> None:
    rules(folder / ".askdocignore", "sub/")
    assert len(find_files([folder], Selection(exclude=("!sub/",))).files) == 3


def test_what_was_left_out_is_counted_by_reason_with_examples() -> None:
    skipped = [Skipped(f"{number:03}.jpg", "no loader for .jpg files") for number in reversed(range(500))]
    assert grouped([Skipped(".git", "hidden"), *skipped], examples=2) == (
        LeftOut("no loader for .jpg files", 500, ("000.jpg", "001.jpg")),
        LeftOut("hidden", 1, (".git",)),
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("500b", 500), ("256MB", 256_000_000), ("1.5 GiB", 3 * 2**29), ("2k", 2000), (" 3 KiB ", 3072)],
)
def test_sizes_are_written_as_people_do(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "0", "1e9", "1 TB", "nan", "1,5 MB", "9" * 400])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


def test_sizes_are_told_in_the_largest_unit() -> None:
    assert [size_in_words(size) for size in (5, 12_345, 256_000_000, 3 * 10**13)] == [
        "5 B",
        "12.3 kB",
        "256 MB",
        "30 TB",
    ]
