"""The locks hold all that is asked for, in one version each, with hashes, on every Python and system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from src.config.settings import PROJECT_ROOT
from supply.lock import PYTHONS, LockedPackage, read_lock, systems

# Each list, its lock, and the lock that is installed before it.
LOCKED = {
    "requirements-build.txt": ("build", None),
    "requirements.txt": ("run", "build"),
    "requirements-training.txt": ("training", "run"),
    "requirements-dev.txt": ("dev", "training"),
    "requirements-bench.txt": ("bench", "dev"),
    "requirements-supply.txt": ("supply", None),
}
ENVIRONMENTS = [
    pytest.param(environment, id=f"{python}-{environment['sys_platform']}-{environment['platform_machine']}")
    for python in PYTHONS
    for environment in systems(python)
]


def lock(name: str) -> list[LockedPackage]:
    return read_lock(PROJECT_ROOT / "locks" / f"{name}.txt")


def versions(name: str, environment: dict[str, str]) -> dict[str, str]:
    return {package.name: package.version for package in lock(name) if package.applies_to(environment)}


def asked_for(file: str) -> Iterator[tuple[str, Requirement]]:
    """What a list and the lists that it includes ask for, and in which of them."""
    for line in (PROJECT_ROOT / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from asked_for(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            yield file, Requirement(line)


def test_every_list_has_its_lock() -> None:
    assert {file.name for file in PROJECT_ROOT.glob("requirements*.txt")} == set(LOCKED)
    assert {file.stem for file in (PROJECT_ROOT / "locks").glob("*.txt")} == {name for name, _ in LOCKED.values()}


@pytest.mark.parametrize("file", LOCKED)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_a_list_asks_for_is_locked(file: str, environment: dict[str, str]) -> None:
    """Fails after a change of a list without `make lock`."""
    locked = versions(LOCKED[file][0], environment)
    for _, requirement in asked_for(file):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            assert locked[canonicalize_name(requirement.name)] in requirement.specifier, "run make lock"


@pytest.mark.parametrize("file", LOCKED)
def test_nothing_is_locked_that_no_list_asks_for_any_more(file: str) -> None:
    wanted = {(f"-r {origin}", canonicalize_name(requirement.name)) for origin, requirement in asked_for(file)}
    locked = {
        (reason, package.name)
        for package in lock(LOCKED[file][0])
        for reason in package.asked_for_by
        if reason.startswith("-r ")
    }
    assert locked == wanted, "run make lock"


@pytest.mark.parametrize("file", LOCKED)
def test_every_version_has_the_hashes_of_its_files(file: str) -> None:
    for package in lock(LOCKED[file][0]):
        assert package.hashes, package.name
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", found) for found in package.hashes), package.name


@pytest.mark.parametrize("file", LOCKED)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_environment_gets_two_versions_of_a_package(file: str, environment: dict[str, str]) -> None:
    names = Counter(package.name for package in lock(LOCKED[file][0]) if package.applies_to(environment))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("file", [file for file, (_, before) in LOCKED.items() if before])
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_lock_changes_nothing_that_was_installed_before_it(file: str, environment: dict[str, str]) -> None:
    name, before = LOCKED[file]
    assert before is not None
    smaller, larger = versions(before, environment), versions(name, environment)
    assert {package: larger[package] for package in smaller if package in larger} == {
        package: version for package, version in smaller.items() if package in larger
    }
    # pip itself is nobody's requirement.
    assert set(smaller) - set(larger) <= {"pip"}


@pytest.mark.parametrize("file", LOCKED)
def test_a_lock_names_no_index_and_no_place_of_a_machine(file: str) -> None:
    text = (PROJECT_ROOT / "locks" / f"{LOCKED[file][0]}.txt").read_text(encoding="utf-8")
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
    assert set(re.findall(r"-r (\S+\.txt)", dockerfile)) == {"locks/build.txt", "locks/run.txt"}


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
    pillow, six = read_lock(file)
    old, new = next(systems("3.11")), next(systems("3.12"))

    assert (pillow.name, pillow.version, len(pillow.hashes)) == ("pillow", "12.3.0", 2)
    assert pillow.asked_for_by == ("-r requirements.txt", "matplotlib")
    assert (pillow.applies_to(old), pillow.applies_to(new)) == (True, False)
    assert six.applies_to(old)
    assert six.asked_for_by == ()
