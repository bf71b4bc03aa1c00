"""Writing files: a file is replaced as a whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gatewise.files.writing import replace_file


def test_a_crash_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    replace_file(path, b"before")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"os.{step}", interrupted)
            with pytest.raises(KeyboardInterrupt):
                replace_file(path, b"after")
        assert path.read_bytes() == b"before"
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    replace_file(path, b"after")
    assert path.read_bytes() == b"after"


def test_several_threads_can_write_one_file(tmp_path: Path) -> None:
    """Each write succeeds, and the file is complete at all times."""
    path, contents = tmp_path / "file", [bytes([letter]) * 10_000 for letter in b"abcd"]

    def write(content: bytes) -> None:
        for _ in range(25):
            replace_file(path, content)
            assert path.read_bytes() in contents

    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(write, contents))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_links_and_permissions_are_those_of_open(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link, target, opened = tmp_path / "link", tmp_path / "far" / "target", tmp_path / "opened"
    link.symlink_to(target)
    for content in (b"new", b"newer"):
        replace_file(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    opened.write_bytes(b"")
    assert target.stat().st_mode == opened.stat().st_mode
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]
