"""A finished model replaces the one before with everything that belongs to it."""

from __future__ import annotations

from pathlib import Path

from training.card.placement import put_in_place

SUFFIXES = (".h5", ".json", ".md", ".familiarity.npz")


def test_all_files_are_copied_under_the_new_name(tmp_path: Path) -> None:
    draft, target = tmp_path / "draft" / "a.h5", tmp_path / "models" / "b.h5"
    draft.parent.mkdir()
    for suffix in SUFFIXES:
        draft.with_suffix(suffix).write_text(suffix)
    put_in_place(draft, target)
    assert sorted(file.name for file in target.parent.iterdir()) == sorted(f"b{suffix}" for suffix in SUFFIXES)
    assert all(target.with_suffix(suffix).read_text() == suffix for suffix in SUFFIXES)


def test_the_model_of_before_is_replaced(tmp_path: Path) -> None:
    draft, target = tmp_path / "a.h5", tmp_path / "b.h5"
    for suffix in SUFFIXES:
        draft.with_suffix(suffix).write_text("new")
        target.with_suffix(suffix).write_text("old")
    put_in_place(draft, target)
    assert {target.with_suffix(suffix).read_text() for suffix in SUFFIXES} == {"new"}
