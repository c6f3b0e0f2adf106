"""The results survive every end of a screening."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from src.cli.screening.picture_search import FoundPicture
from src.cli.screening.results_file import open_results
from src.core.errors import StartupError
from src.services.picture_file import Refusal
from tests.unit.cli.screening.records import CONDITIONS, make_record


def found(name: str, size: int = 10) -> FoundPicture:
    return FoundPicture(name, Path(name), size, 20)


def test_what_is_appended_is_on_the_disk_at_once_and_there_for_the_next_screening(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    for name in ("a.jpg", "b.jpg"):
        with open_results(file) as results:
            results.append(make_record(name))
            assert file.read_bytes().endswith(make_record(name).to_line())
    with open_results(file) as results:
        assert list(results.records) == ["a.jpg", "b.jpg"]
        assert not results.repaired
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("left_of_it", [1, 40, -1])
def test_a_half_written_last_line_is_cut_off(tmp_path: Path, left_of_it: int) -> None:
    file = tmp_path / "results.jsonl"
    whole = make_record("a.jpg").to_line()
    file.write_bytes(whole + make_record("b.jpg").to_line()[:left_of_it])
    with open_results(file) as results:
        assert results.repaired
        assert list(results.records) == ["a.jpg"]
        results.append(make_record("c.jpg"))
    assert file.read_bytes() == whole + make_record("c.jpg").to_line()


def test_a_damaged_line_in_the_middle_costs_that_line_and_the_last_line_of_a_picture_counts(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    lines = [make_record("a.jpg", size=9).to_line(), b"\0\0\0\n", make_record("a.jpg", size=10).to_line()]
    file.write_bytes(b"".join([*lines, make_record("b.jpg").to_line()]))
    with open_results(file) as results:
        assert list(results.records) == ["a.jpg", "b.jpg"]
        assert results.damaged == 1
        assert results.records["a.jpg"].size == 10


def test_only_pictures_that_would_say_something_new_are_screened(tmp_path: Path) -> None:
    pictures = [
        found("same.jpg"),
        found("changed.jpg", 11),
        found("new.jpg"),
        found("damaged.jpg"),
        found("closed.jpg"),
    ]
    with open_results(tmp_path / "results.jsonl") as results:
        results.append(make_record("same.jpg"))
        results.append(make_record("changed.jpg"))
        results.append(make_record("damaged.jpg", refusal=Refusal("not_a_picture", "why")))
        results.append(make_record("closed.jpg", refusal=Refusal("unreadable_file", "why")))
        results.append(make_record("gone.jpg"))
        waiting = results.without_answer(pictures, CONDITIONS)
        assert [picture.name for picture in waiting] == ["changed.jpg", "new.jpg", "closed.jpg"]
        about = results.about(pictures, CONDITIONS)
        assert [record.file for record in about] == ["same.jpg", "damaged.jpg", "closed.jpg"]
        assert results.without_answer(pictures, CONDITIONS | {"precision": "bfloat16"}) == pictures
        # Their previews have gone.
        assert results.without_answer(pictures, CONDITIONS, lambda _record: False) == pictures


def test_a_file_that_another_screening_writes_to_or_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    with (
        open_results(tmp_path / "results.jsonl"),
        pytest.raises(StartupError, match="another screening"),
        open_results(tmp_path / "results.jsonl"),
    ):
        pass
    with open_results(tmp_path / "results.jsonl"):
        pass
    with pytest.raises(StartupError, match="cannot be opened"), open_results(tmp_path / "gone" / "results.jsonl"):
        pass


def test_a_full_disk_is_an_error_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "results.jsonl"
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) <= 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[: len(data) - 5])

    with open_results(file) as results:
        results.append(make_record("a.jpg"))
        before = file.read_bytes()
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            results.append(make_record("b.jpg"))
        assert file.read_bytes() == before
        assert list(results.records) == ["a.jpg"]
