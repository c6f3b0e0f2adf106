"""The locks hold all that is asked for, in one version each, with hashes, on every Python and system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from requirements.lock import LockedPackage, read_lock
from src.config.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "requirements"
# Each list, its lock, and the lock that is installed before it.
LOCKED = {
    "requirements/build.txt": ("build", None),
    "requirements.txt": ("run", "build"),
    "requirements/training.txt": ("training", "run"),
    "requirements/dev.txt": ("dev", "training"),
    "requirements/bench.txt": ("bench", "dev"),
    "requirements/supply.txt": ("supply", None),
}
SYSTEMS = (
    {"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux", "platform_machine": "x86_64"},
    {"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux", "platform_machine": "aarch64"},
    # dlib-bin has no wheel for Intel's.
    {"os_name": "posix", "platform_system": "Darwin", "sys_platform": "darwin", "platform_machine": "arm64"},
    {"os_name": "nt", "platform_system": "Windows", "sys_platform": "win32", "platform_machine": "AMD64"},
)
ENVIRONMENTS = [
    pytest.param(
        {"python_version": python, "python_full_version": f"{python}.9", **system},
        id=f"{python}-{system['sys_platform']}-{system['platform_machine']}",
    )
    for python, system in product(("3.10", "3.11", "3.12", "3.13"), SYSTEMS)
]

each_list = pytest.mark.parametrize("file", LOCKED)
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


@cache
def lock(name: str) -> list[LockedPackage]:
    return read_lock(FOLDER / "locks" / f"{name}.txt")


def applies(marker: Marker | None, environment: dict[str, str]) -> bool:
    return marker is None or marker.evaluate(environment)


def versions(name: str, environment: dict[str, str]) -> dict[str, str]:
    return {package.name: package.version for package in lock(name) if applies(package.marker, environment)}


def asked_for(file: str) -> Iterator[tuple[str, Requirement]]:
    """What a list and the lists that it includes ask for, and in which of them, as the lock spells it."""
    for line in (PROJECT_ROOT / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from asked_for(str(Path(file).parent / line.removeprefix("-r ")))
        elif line and not line.startswith("#"):
            yield file, Requirement(line)


def test_every_list_has_its_lock() -> None:
    lists = [*PROJECT_ROOT.glob("requirements*.txt"), *FOLDER.glob("*.txt")]
    assert {file.relative_to(PROJECT_ROOT).as_posix() for file in lists} == set(LOCKED)
    assert {file.stem for file in (FOLDER / "locks").glob("*.txt")} == {name for name, _ in LOCKED.values()}


@each_list
@each_environment
def test_what_a_list_asks_for_is_locked(file: str, environment: dict[str, str]) -> None:
    """Fails after a change of a list without `make lock`."""
    locked = versions(LOCKED[file][0], environment)
    for _, requirement in asked_for(file):
        if applies(requirement.marker, environment):
            assert locked[canonicalize_name(requirement.name)] in requirement.specifier, "run make lock"


@each_list
def test_nothing_is_locked_that_no_list_asks_for_any_more(file: str) -> None:
    wanted = {(f"-r {origin}", canonicalize_name(requirement.name)) for origin, requirement in asked_for(file)}
    locked = {(reason, package.name) for package in lock(LOCKED[file][0]) for reason in package.asked_for_by}
    assert {(reason, name) for reason, name in locked if reason.startswith("-r ")} == wanted, "run make lock"


@each_list
def test_every_version_has_the_hashes_of_its_files(file: str) -> None:
    for package in lock(LOCKED[file][0]):
        assert package.hashes, package.name
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", found) for found in package.hashes), package.name


@each_list
@each_environment
def test_no_environment_gets_two_versions_of_a_package(file: str, environment: dict[str, str]) -> None:
    names = Counter(package.name for package in lock(LOCKED[file][0]) if applies(package.marker, environment))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(("name", "before"), [(name, before) for name, before in LOCKED.values() if before])
@each_environment
def test_a_lock_changes_nothing_that_was_installed_before_it(
    name: str, before: str, environment: dict[str, str]
) -> None:
    installed = versions(before, environment)
    # pip itself is nobody's requirement.
    larger = {"pip": installed.get("pip")} | versions(name, environment)
    assert installed.items() - larger.items() == set()


@each_list
def test_a_lock_names_no_index_and_no_place_of_a_machine(file: str) -> None:
    text = (FOLDER / "locks" / f"{LOCKED[file][0]}.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ ", text)


def test_only_the_landmark_package_has_no_wheel() -> None:
    """What is built where it is installed runs its own code there; the Makefile and the image allow it to one."""
    for file in ("Makefile", "Dockerfile"):
        text = (PROJECT_ROOT / file).read_text(encoding="utf-8")
        assert set(re.findall(r"--no-binary (\S+)", text)) == {"face-recognition-models"}
        assert "--only-binary :all:" in text


def test_the_image_is_made_from_the_locks_alone() -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "PIP_REQUIRE_HASHES=1" in dockerfile
    assert set(re.findall(r"-r (\S+\.txt)", dockerfile)) == {
        "requirements/locks/build.txt",
        "requirements/locks/run.txt",
    }


@pytest.mark.parametrize("line", ["pillow>=12", "pillow", "pillow==12.*", "pillow @ https://example.org/pillow.whl"])
def test_a_lock_that_leaves_a_choice_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "lock.txt"
    file.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is not an exact version"):
        read_lock(file)


def test_a_lock_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "lock.txt"
    digest = "0" * 64
    file.write_text(
        f"# made by\nPillow==12.3.0 ; python_version < '3.12' \\\n    --hash=sha256:{digest} \\\n"
        f"    --hash=sha256:{digest}\n    # via -r requirements.txt, matplotlib\nsix==1.17.0 \\\n"
        f"    --hash=sha256:{digest}\n",
        encoding="utf-8",
    )
    hashed = f"sha256:{digest}"
    assert read_lock(file) == [
        LockedPackage(
            "pillow",
            "12.3.0",
            Marker("python_version < '3.12'"),
            (hashed, hashed),
            ("-r requirements.txt", "matplotlib"),
        ),
        LockedPackage("six", "1.17.0", None, (hashed,), ()),
    ]
