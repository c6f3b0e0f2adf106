"""Nothing is saved unless asked for; what is saved goes when its time is up; nobody waits for the disk."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import stat
import sys
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
from src.utils.files import write_new
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
        disk_is_back = threading.Event()

        def write_when_it_is_back(file: Path, content: bytes) -> None:
            assert disk_is_back.wait(30)
            write_new(file, content)

        monkeypatch.setattr(image_store, "write_new", write_when_it_is_back)
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
        def open_on_a_full_disk(handle: int, *_: str) -> None:
            os.write(handle, b"half")
            os.close(handle)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        store = make_store(SAVE_EYES="true")
        monkeypatch.setattr(os, "fdopen", open_on_a_full_disk)
        store.save_eye(PICTURE)
        store.close()
        assert list(eyes_dir.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither such permissions nor links for everybody")
class TestOthers:
    """Who else is on the machine sees no picture, and cannot lead the store elsewhere."""

    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
    def test_pictures_and_the_folders_that_are_made_for_them_are_their_owners_only(
        self, make_store: MakeStore, eyes_dir: Path, umask: int
    ) -> None:
        before = os.umask(umask)
        try:
            store = make_store(SAVE_EYES="true")
            store.save_eye(PICTURE)
            store.close()
        finally:
            os.umask(before)
        (picture,) = eyes_dir.iterdir()
        assert stat.S_IMODE(eyes_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(picture.stat().st_mode) == 0o600

    def test_the_projects_own_folder_is_shut_and_another_that_stands_open_is_warned_of(
        self, make_store: MakeStore, eyes_dir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        eyes_dir.mkdir()
        eyes_dir.chmod(0o755)
        make_store(SAVE_EYES="true")
        assert [record.message for record in caplog.records] == [
            f"SAVED_EYES_DIR: others may look into {eyes_dir} and see how many pictures there are: chmod 700"
        ]
        assert stat.S_IMODE(eyes_dir.stat().st_mode) == 0o755
        monkeypatch.setattr(image_store, "PROJECT_ROOT", eyes_dir.parent)
        make_store(SAVE_EYES="true")
        assert stat.S_IMODE(eyes_dir.stat().st_mode) == 0o700

    def test_a_folder_that_cannot_be_shut_is_warned_of_once(
        self, make_store: MakeStore, eyes_dir: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_path: Path, _mode: int) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        eyes_dir.mkdir()
        eyes_dir.chmod(0o755)
        monkeypatch.setattr(image_store, "PROJECT_ROOT", eyes_dir.parent)
        monkeypatch.setattr(Path, "chmod", refuse)
        for _ in range(2):
            make_store(SAVE_EYES="true").save_eye(PICTURE)
        assert [record.message for record in caplog.records] == [
            f"who may read {eyes_dir} cannot be set (Operation not permitted): see that only those can who should"
        ]

    def test_a_link_with_the_name_of_a_picture_is_not_followed(
        self, make_store: MakeStore, eyes_dir: Path, tmp_path: Path
    ) -> None:
        store = closed_store(make_store)
        for hours in (1000, -1000):
            target = make_old(tmp_path / f"elsewhere {hours}", hours)
            before = target.stat().st_mtime
            link = eyes_dir / OUR_NAME
            eyes_dir.mkdir(exist_ok=True)
            link.symlink_to(target)
            os.utime(link, (before, before), follow_symlinks=False)
            store.sweep()
            assert link.is_symlink() is (hours < 0)
            assert target.stat().st_mtime == before

    def test_a_folder_in_whose_place_a_link_was_put_is_neither_swept_nor_written_to(
        self, make_store: MakeStore, eyes_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = make_store(SAVE_EYES="true")
        old = make_old(tmp_path / "elsewhere" / OUR_NAME, 1000)
        eyes_dir.rmdir()
        eyes_dir.symlink_to(old.parent)
        store.sweep()
        store.save_eye(PICTURE)
        store.close()
        assert list(old.parent.iterdir()) == [old]
        assert [record.levelname for record in caplog.records] == ["ERROR"] * 2

    def test_a_link_that_stands_there_at_the_start_is_the_operators(
        self, make_store: MakeStore, eyes_dir: Path, tmp_path: Path
    ) -> None:
        old = make_old(tmp_path / "elsewhere" / OUR_NAME, 1000)
        eyes_dir.symlink_to(old.parent)
        store = make_store(SAVE_EYES="true")
        store.save_eye(PICTURE)
        store.sweep()
        store.close()
        assert len(list((tmp_path / "elsewhere").iterdir())) == 1
        assert not old.exists()


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
        open_it = os.open

        def open_unless_away(path: Path, *arguments: int, **options: int) -> int:
            if path == frames_dir:
                raise OSError(errno.ESTALE, "Stale file handle")
            return open_it(path, *arguments, **options)

        monkeypatch.setattr(os, "open", open_unless_away)
        monkeypatch.setattr(os, "supports_dir_fd", {open_unless_away})
        with caplog.at_level(logging.ERROR, logger="eyenet.image_store"):
            store.sweep()
        assert not old.exists()
        assert [record.message for record in caplog.records] == [
            f"{frames_dir} could not be searched for old pictures: Stale file handle"
        ]
