"""Nothing is saved unless asked for; what is saved goes when its time is up; nobody waits for the disk."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lab.common.waiting import wait_until
from src.config.settings import load_settings
from src.core.errors import StartupError
from src.services import image_store
from src.services.image_store import MOST_WAITING_BYTES, ImageStore
from src.utils.image_codec import decode_picture

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
OUR_NAME = "0123456789abcdef" * 2 + ".png"
MakeStore = Callable[..., ImageStore]


@pytest.fixture
def frames_dir(tmp_path: Path) -> Path:
    return tmp_path / "frames"


@pytest.fixture
def eyes_dir(tmp_path: Path) -> Path:
    return tmp_path / "eyes"


@pytest.fixture
def make_store(monkeypatch: pytest.MonkeyPatch, frames_dir: Path, eyes_dir: Path) -> Iterator[MakeStore]:
    """Builds a store from settings as they stand in the environment."""
    stores = []

    def make(*, idle: bool = False, **environment: str) -> ImageStore:
        folders = {"TEMP_IMAGES_DIR": str(frames_dir), "SAVED_EYES_DIR": str(eyes_dir)}
        for name, value in (folders | environment).items():
            monkeypatch.setenv(name, value)
        stores.append(ImageStore(load_settings(env_file=None), idle=idle))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def make_old(file: Path, hours: float) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"picture")
    then = time.time() - hours * 3600
    os.utime(file, (then, then))
    return file


def closed_store(make_store: MakeStore) -> ImageStore:
    """One whose own sweeps are over, because they would find the same as the test's."""
    before = set(threading.enumerate())
    store = make_store()
    started = set(threading.enumerate()) - before
    store.close()
    for thread in started:
        thread.join()
    return store


class TestSaving:
    def test_by_default_nothing_is_written(self, make_store: MakeStore, tmp_path: Path) -> None:
        store = make_store()
        store.save_frame(PICTURE)
        store.save_eye(PICTURE)
        store.close()
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("switch", "folder", "other"),
        [("SAVE_TEMP_IMAGES", "frames", "eyes"), ("SAVE_EYES", "eyes", "frames")],
    )
    def test_frames_and_eyes_are_saved_each_if_its_setting_says_so_under_names_that_say_nothing(
        self, make_store: MakeStore, tmp_path: Path, switch: str, folder: str, other: str
    ) -> None:
        store = make_store(**{switch: "true"})
        for _ in range(2):
            (store.save_frame if folder == "frames" else store.save_eye)(PICTURE)
        (store.save_frame if other == "frames" else store.save_eye)(np.zeros_like(PICTURE))
        assert store.problem() is None
        store.close()
        saved = list((tmp_path / folder).iterdir())
        assert len(saved) == 2
        for file in saved:
            assert re.fullmatch(r"[0-9a-f]{32}\.png", file.name)
            assert np.array_equal(decode_picture(file.read_bytes(), 10_000), PICTURE)
        assert not (tmp_path / other).exists()

    def test_a_slow_disk_holds_nobody_up_and_fills_no_memory(
        self,
        make_store: MakeStore,
        eyes_dir: Path,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        store = make_store(SAVE_EYES="true")
        disk_is_back, write = threading.Event(), Path.write_bytes
        monkeypatch.setattr(Path, "write_bytes", lambda *args: disk_is_back.wait(30) and write(*args))
        # A picture of so many bytes that four fill the queue: views of one black line, which take no memory here.
        large = np.broadcast_to(np.zeros((1, 4096, 3), np.uint8), (MOST_WAITING_BYTES // 4 // (4096 * 3), 4096, 3))
        with caplog.at_level(logging.WARNING, logger="eyenet.image_store"):
            for _ in range(4 + 3):
                store.save_eye(large)
        # Nothing has been written, and yet everybody has returned.
        assert list(eyes_dir.iterdir()) == []
        assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
        disk_is_back.set()
        store.close()
        assert len(list(eyes_dir.iterdir())) == 4

    def test_after_a_jam_pictures_are_saved_again(
        self, make_store: MakeStore, eyes_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(image_store, "MOST_WAITING_BYTES", PICTURE.nbytes)
        store = make_store(SAVE_EYES="true")

        def saves_one_more(count: int) -> bool:
            store.save_eye(PICTURE)
            return len(list(eyes_dir.iterdir())) >= count

        for count in range(1, 20):
            wait_until(partial(saves_one_more, count), f"picture {count} on the disk")

    def test_a_disk_that_fails_is_logged_and_breaks_nothing(
        self, make_store: MakeStore, eyes_dir: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = make_store(SAVE_EYES="true")
        shutil.rmtree(eyes_dir)
        with caplog.at_level(logging.ERROR, logger="eyenet.image_store"):
            for _ in range(2):
                store.save_eye(PICTURE)
            assert store.problem() is None
            store.close()
        assert [record.levelname for record in caplog.records] == ["ERROR"] * 2

    def test_half_a_picture_is_not_left_on_a_disk_that_fills_up(
        self, make_store: MakeStore, eyes_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def write_half(file: Path, data: bytes) -> None:
            with file.open("wb") as half:
                half.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        store = make_store(SAVE_EYES="true")
        monkeypatch.setattr(Path, "write_bytes", write_half)
        store.save_eye(PICTURE)
        store.close()
        assert list(eyes_dir.iterdir()) == []


class TestFolders:
    @pytest.mark.parametrize(
        ("switch", "name"), [("SAVE_TEMP_IMAGES", "TEMP_IMAGES_DIR"), ("SAVE_EYES", "SAVED_EYES_DIR")]
    )
    def test_one_that_cannot_be_written_to_stops_the_start_with_a_sentence_that_names_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, switch: str, name: str
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv(name, str(tmp_path / "file" / "below"))
        monkeypatch.setenv(switch, "true")
        with pytest.raises(StartupError, match=f"^{name} is wrong: .*below"):
            ImageStore(load_settings(env_file=None))

    def test_one_that_is_not_used_need_not_be_writable(self, make_store: MakeStore, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        make_store(TEMP_IMAGES_DIR=str(tmp_path / "file" / "below"), SAVED_EYES_DIR=str(tmp_path / "file")).sweep()


class TestRetention:
    def test_our_old_pictures_are_deleted_and_our_new_ones_and_what_is_not_ours_are_kept(
        self, make_store: MakeStore, eyes_dir: Path
    ) -> None:
        store = make_store(IMAGE_RETENTION_HOURS="2")
        old, new = make_old(eyes_dir / OUR_NAME, 2.1), make_old(eyes_dir / ("f" * 32 + ".png"), 1.9)
        names = [".gitkeep", "me.png", "README.md", OUR_NAME.replace(".png", ".jpg"), OUR_NAME.upper()]
        names += ["0" + OUR_NAME, OUR_NAME[1:], OUR_NAME + ".bak", f"below/{OUR_NAME}"]
        foreign = [make_old(eyes_dir / name, 1000) for name in names]
        store.sweep()
        assert not old.exists()
        assert all(file.exists() for file in (new, *foreign))

    def test_a_picture_from_the_future_is_deleted_neither_early_nor_never(
        self, make_store: MakeStore, eyes_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As they are when a clock was set back."""
        store, picture = make_store(IMAGE_RETENTION_HOURS="2"), make_old(eyes_dir / OUR_NAME, -1000)
        store.sweep()
        now = time.time()
        for hours, kept in [(0, True), (1.9, True), (2.1, False)]:
            monkeypatch.setattr(time, "time", lambda hours=hours: now + hours * 3600)
            store.sweep()
            assert picture.exists() is kept

    def test_an_idle_store_saves_nothing_and_deletes_nothing(
        self, make_store: MakeStore, frames_dir: Path, eyes_dir: Path
    ) -> None:
        """For who works on files of his own."""
        old = make_old(eyes_dir / OUR_NAME, 1000)
        store = make_store(idle=True, SAVE_TEMP_IMAGES="true", SAVE_EYES="true")
        store.save_frame(PICTURE)
        store.save_eye(PICTURE)
        store.sweep()
        store.close()
        assert list(eyes_dir.iterdir()) == [old]
        assert not frames_dir.exists()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_pictures_that_nobody_deletes_any_more_are_a_problem(
        self, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ImageStore, "sweep", lambda _store: divmod(1, 0))
        store = make_store()
        sentence = "the image-retention thread died: saved pictures are kept too long"
        wait_until(lambda: store.problem() == sentence, sentence)

    def test_both_folders_are_swept_at_start_also_when_nothing_is_saved_any_more(
        self, make_store: MakeStore, frames_dir: Path, eyes_dir: Path
    ) -> None:
        left_behind = [make_old(folder / OUR_NAME, 25) for folder in (frames_dir, eyes_dir)]
        make_store()
        wait_until(lambda: not any(file.exists() for file in left_behind), "both folders to be swept")

    def test_pictures_are_swept_again_and_again(self, make_store: MakeStore, eyes_dir: Path) -> None:
        make_store(IMAGE_RETENTION_HOURS=str(0.2 / 3600))
        for _ in range(2):
            make_old(eyes_dir / OUR_NAME, 1)
            wait_until(lambda: not any(eyes_dir.iterdir()), "the picture to be deleted")

    def test_a_picture_that_cannot_be_deleted_is_logged_and_the_others_go(
        self, make_store: MakeStore, eyes_dir: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = closed_store(make_store)
        folder = eyes_dir / ("0" * 32 + ".png")
        folder.mkdir(parents=True)
        os.utime(folder, (0, 0))
        old = make_old(eyes_dir / OUR_NAME, 25)
        with caplog.at_level(logging.ERROR, logger="eyenet.image_store"):
            store.sweep()
        assert not old.exists()
        assert [record.levelname for record in caplog.records] == ["ERROR"]

    def test_a_folder_that_cannot_be_searched_is_logged_and_the_other_is_swept(
        self,
        make_store: MakeStore,
        frames_dir: Path,
        eyes_dir: Path,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        store = closed_store(make_store)
        old = make_old(eyes_dir / OUR_NAME, 25)
        search = Path.glob

        def search_unless_away(folder: Path, pattern: str) -> Iterator[Path]:
            if folder == frames_dir:
                raise OSError(errno.ESTALE, "Stale file handle")
            return search(folder, pattern)

        monkeypatch.setattr(Path, "glob", search_unless_away)
        with caplog.at_level(logging.ERROR, logger="eyenet.image_store"):
            store.sweep()
        assert not old.exists()
        assert [record.message for record in caplog.records] == [
            f"{frames_dir} could not be searched for old pictures: Stale file handle"
        ]
