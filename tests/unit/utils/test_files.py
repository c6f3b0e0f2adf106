from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from src.utils.files import UNFINISHED, renamed_when_whole, sha256_of, write_new, write_then_rename


def test_the_hash_is_the_published_one_of_these_bytes(tmp_path: Path) -> None:
    """FIPS 180-2, appendix B.1."""
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    assert sha256_of(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_replaced_and_nothing_else_is_left_in_its_folder(tmp_path: Path, mode: int) -> None:
    """Its permissions are those asked for."""
    file = tmp_path / "file.txt"
    file.write_bytes(b"a longer text than the new one")
    umask = os.umask(0)
    write_then_rename(file, b"new", mode)
    os.umask(umask)
    assert file.read_bytes() == b"new"
    assert sys.platform == "win32" or stat.S_IMODE(file.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(FileNotFoundError):
        write_then_rename(tmp_path / "missing" / "file.txt", b"new")


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_after_a_failure_the_old_file_stands_and_nothing_else(tmp_path: Path, failure: type[BaseException]) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(b"old")

    def write_half() -> None:
        with renamed_when_whole(file) as unfinished:
            unfinished.write_bytes(b"ne")
            raise failure

    with pytest.raises(failure):
        write_half()
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_take_its_place_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "file.txt").mkdir()
    with pytest.raises((IsADirectoryError, PermissionError)):
        write_then_rename(tmp_path / "file.txt", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_until_it_is_whole_only_its_owner_can_read_it_and_its_suffix_is_the_final_one(tmp_path: Path) -> None:
    with renamed_when_whole(tmp_path / "model.h5") as unfinished:
        assert unfinished.name.startswith(UNFINISHED)
        assert unfinished.suffix == ".h5"
        assert unfinished.parent == tmp_path
        assert sys.platform == "win32" or stat.S_IMODE(unfinished.stat().st_mode) == 0o600
        assert not (tmp_path / "model.h5").exists()


def test_a_new_file_is_its_owners_only_and_takes_no_ones_place(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    write_new(file, b"new")
    assert sys.platform == "win32" or stat.S_IMODE(file.stat().st_mode) == 0o600
    for there in (file, tmp_path / "link"):
        if there.name == "link":
            there.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(FileExistsError):
            write_new(there, b"other")
    assert file.read_bytes() == b"new"
    assert not (tmp_path / "elsewhere").exists()
