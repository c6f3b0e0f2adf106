"""The house keeps its plan: who may import what, how long a file may be, and that docs/architecture.md shows it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from src.config.settings import PROJECT_ROOT

FILES = sorted((PROJECT_ROOT / "src").rglob("*.py"))
TRAINING_FILES = sorted((PROJECT_ROOT / "training").rglob("*.py"))
UNIT_TESTS = sorted((PROJECT_ROOT / "tests" / "unit").rglob("*.py"))
# What holds for every file of the service holds for its guest.
HOUSE = {file.relative_to(PROJECT_ROOT).as_posix(): file for file in FILES + TRAINING_FILES}
LONGEST_FILE = 300

# Each package, and those of ours that it may import beside itself. Requests flow from the left to the right of
# api -> services -> utils -> core, and nothing looks back.
MAY_IMPORT = {
    "core": set(),
    "utils": {"core"},
    "config": {"core"},
    "services": {"core", "utils", "config"},
    "api": {"core", "utils", "config", "services"},
    "supervisor": {"config", "core"},
    "cli": {"core", "utils", "config", "services"},
}
# The same for the packages of the training: pictures are found, painted, learnt from, and what was learnt is tested;
# whoever stands further down may import from above, never the other way round. Its commands may import all of them.
TRAINING_MAY_IMPORT: dict[str, set[str]] = {
    "data": set(),
    "finder": set(),
    "painting": set(),
    "evaluation": {"data"},
    "report": {"evaluation"},
    "learning": {"data", "painting"},
    "heatmaps": {"data", "painting", "learning"},
    "card": {"data", "evaluation", "learning"},
    "validation": {"data", "evaluation", "learning", "card"},
}
# Libraries with traps of their own are met in one place only; Pillow in two, of which one asks it for colours alone.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "tensorflow": ("src/services/tensorflow_runtime.py",),
    "tf_keras": ("src/services/tensorflow_runtime.py",),
    "keras": ("src/services/tensorflow_runtime.py",),
    "dlib": ("src/services/face_detection.py",),
    "PIL": ("src/utils/colour.py", "src/utils/image_codec.py"),
    "simplejpeg": ("src/utils/image_codec.py",),
    "isal": ("src/utils/png_writer.py",),
    "pybase64": ("src/utils/data_uri.py",),
    "dotenv": ("src/config/env_file.py",),
    "prometheus_client": ("src/api/metrics.py",),
    "jinja2": ("src/utils/templates.py",),
}


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported_modules(file: Path) -> Iterator[str]:
    """Full names, also of what is imported inside functions."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            assert node.module is not None
            yield from (f"{node.module}.{name.name}" for name in node.names)


def imported_packages_of_ours(file: Path) -> set[str]:
    parts = (module.split(".") for module in imported_modules(file))
    return {part[1] for part in parts if part[0] == "src" and part[1] in MAY_IMPORT}


def package_of(file: Path) -> str:
    return file.relative_to(PROJECT_ROOT / "src").parts[0]


def in_packages() -> list[Path]:
    return [file for file in FILES if file.parent != PROJECT_ROOT / "src"]


def test_every_package_has_its_rule() -> None:
    assert {package_of(file) for file in in_packages()} == set(MAY_IMPORT)


@pytest.mark.parametrize("file", in_packages(), ids=lambda file: file.relative_to(PROJECT_ROOT).as_posix())
def test_a_file_imports_only_from_the_packages_it_may(file: Path) -> None:
    package = package_of(file)
    assert imported_packages_of_ours(file) - {package} <= MAY_IMPORT[package]


@pytest.mark.parametrize("rules", [MAY_IMPORT, TRAINING_MAY_IMPORT], ids=["src", "training"])
def test_the_rules_let_no_two_packages_import_each_other_by_whatever_way(rules: dict[str, set[str]]) -> None:
    assert set(TopologicalSorter(rules).static_order()) == set(rules)


def test_a_file_of_the_training_imports_only_from_its_packages_it_may() -> None:
    files = [file for file in TRAINING_FILES if file.parent.name != "training"]
    assert {file.parent.name for file in files} == set(TRAINING_MAY_IMPORT)
    for file in files:
        parts = (module.split(".") for module in imported_modules(file))
        imported = {part[1] for part in parts if part[0] == "training"}
        assert imported - {file.parent.name} <= TRAINING_MAY_IMPORT[file.parent.name], file
    assert set().union(*map(imported_packages_of_ours, TRAINING_FILES)) <= {"core", "utils", "config", "services"}


def test_the_command_line_begins_without_any_package() -> None:
    """What `doctor` is for is an installation that is not whole; `-S` hides all packages."""
    script = (
        "import sys, src.cli.commands, src.cli.doctor.command; print(sorted({'pydantic', 'numpy'} & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-S", "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert process.stdout.strip() == "[]"


def test_no_files_import_each_other_in_a_circle() -> None:
    module_of = {name.removesuffix(".py").replace("/", "."): file for name, file in HOUSE.items()}

    def imported_of_ours(file: Path) -> set[str]:
        # `from a.b import c` names c of the file a/b.py, or the file a/b/c.py.
        names = {name for module in imported_modules(file) for name in (module, module.rpartition(".")[0])}
        return names & set(module_of)

    sorter = TopologicalSorter({module: imported_of_ours(file) for module, file in module_of.items()})
    assert len(list(sorter.static_order())) == len(HOUSE)


@pytest.mark.parametrize(("library", "places"), ONLY_IN.items())
def test_a_library_with_traps_is_imported_in_its_places_only(library: str, places: tuple[str, ...]) -> None:
    users = [
        name for name, file in HOUSE.items() if library in {module.split(".")[0] for module in imported_modules(file)}
    ]
    assert set(users) <= set(places)


@pytest.mark.parametrize("library", ["tensorflow", "dlib", "PIL", "dotenv", "prometheus_client"])
def test_that_place_does_import_it(library: str) -> None:
    for place in ONLY_IN[library]:
        assert library in {module.split(".")[0] for module in imported_modules(PROJECT_ROOT / place)}


@pytest.mark.parametrize(("library", "package"), [("robyn", "api"), ("pydantic_settings", "config")])
def test_a_library_that_shapes_a_package_is_known_to_no_other(library: str, package: str) -> None:
    users = {
        package_of(file) for file in in_packages() if any(m.split(".")[0] == library for m in imported_modules(file))
    }
    assert users == {package}


# The lab stands beside the service, and its benchmark and its chaos share parts and know nothing of each other.
LAB_MAY_IMPORT = {"common": set(), "bench": {"common"}, "chaos": {"common"}}


@pytest.mark.parametrize("package", LAB_MAY_IMPORT)
def test_a_file_of_the_lab_imports_the_service_and_what_its_parts_share(package: str) -> None:
    files = (PROJECT_ROOT / "lab" / package).rglob("*.py")
    modules = [module.split(".") for file in files for module in imported_modules(file)]
    assert {module[1] for module in modules if module[0] == "lab"} - {package} <= LAB_MAY_IMPORT[package]


def test_nobody_imports_what_stands_further_out() -> None:
    """Of the service, the training, the lab and the tests."""
    service, lab = [PROJECT_ROOT / "main.py", *FILES], list((PROJECT_ROOT / "lab").rglob("*.py"))
    for files, others in (
        (service, {"training", "lab", "tests"}),
        (TRAINING_FILES, {"lab", "tests"}),
        (lab, {"training", "tests"}),
    ):
        assert [file for file in files if others & {name.split(".")[0] for name in imported_modules(file)}] == []


@pytest.mark.parametrize(
    "file", [file for name, file in HOUSE.items() if not name.startswith("src/config/")], ids=lambda file: file.stem
)
def test_only_config_reads_the_environment(file: Path) -> None:
    readers = {"environ", "environb", "getenv", "putenv"}
    for node in ast.walk(parsed(file)):
        assert not (isinstance(node, ast.Attribute) and node.attr in readers)
        assert not (isinstance(node, ast.ImportFrom) and node.module == "os" and {n.name for n in node.names} & readers)


def test_only_dates_of_files_are_told_by_a_clock_that_may_be_set() -> None:
    """Deadlines and durations go by clocks that nobody can turn: `time.monotonic` and `time.perf_counter`."""

    def asks_for_the_date(file: Path) -> bool:
        attributes = (node for node in ast.walk(parsed(file)) if isinstance(node, ast.Attribute))
        return any(
            (node.attr in {"time", "time_ns"} and isinstance(node.value, ast.Name) and node.value.id == "time")
            or node.attr in {"now", "utcnow", "today"}
            for node in attributes
        ) or not {"time.time", "time.time_ns"}.isdisjoint(imported_modules(file))

    # A screening's report and the model's card say when they were made; retention compares with files on disk.
    assert [name for name, file in HOUSE.items() if asks_for_the_date(file)] == [
        "src/cli/screening/command.py",
        "src/cli/screening/run.py",
        "src/services/image_store.py",
        "training/card/model_card.py",
    ]


@pytest.mark.parametrize("file", HOUSE.values(), ids=HOUSE)
def test_every_file_opens_by_saying_what_it_is_and_is_no_longer_than_it_can_be_read(file: Path) -> None:
    assert ast.get_docstring(parsed(file))
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_unit_tests_share_nothing_with_those_that_start_the_service() -> None:
    folders = {"contract", "browser", "gateway", "deploy"}
    shared = {module for file in UNIT_TESTS for module in imported_modules(file) if module.startswith("tests.")}
    assert [module for module in shared if module.split(".")[1] in folders] == []


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has imported after a statement."""
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return set(process.stdout.split())


def test_the_server_can_answer_before_tensorflow_is_loaded() -> None:
    assert {"tensorflow", "dlib"} & modules_after("import src.api.server") == set()


def test_the_supervisor_stays_small_and_can_fork_because_nothing_large_is_imported() -> None:
    large = {"numpy", "robyn", "tensorflow", "cv2", "dlib", "prometheus_client", "src.api.server"}
    assert large & modules_after("import main") == set()


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_stop_signals_are_blocked_before_any_thread_can_start() -> None:
    """`main.py` blocks them first; what is imported before starts no thread."""
    script = "import src.config.process, os; print(len(os.listdir('/proc/self/task')))"
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert process.stdout.strip() == "1"
    for package in ("src/__init__.py", "src/config/__init__.py"):
        assert list(imported_modules(PROJECT_ROOT / package)) == []


# docs/architecture.md and its drawing show the code as it is.
DOCS = PROJECT_ROOT / "docs"
BESIDE = ("training", "lab")
SVG = "{http://www.w3.org/2000/svg}"
DRAWING = ET.parse(DOCS / "images" / "architecture.svg").getroot()  # noqa: S314
TEXTS = ["".join(text.itertext()) for text in DRAWING.iter(f"{SVG}text")]
ARROWS = [(path.get("data-from"), path.get("data-to")) for path in DRAWING.iter(f"{SVG}path") if path.get("data-from")]


def test_the_page_shows_the_drawing() -> None:
    assert "](images/architecture.svg)" in (DOCS / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted({word for text in TEXTS for word in re.findall(r"[\w/]+\.py\b", text)}))
def test_a_file_of_the_drawing_is_there(name: str) -> None:
    places = [PROJECT_ROOT / name, *(PROJECT_ROOT / "src" / package / name for package in MAY_IMPORT)]
    assert any(place.is_file() for place in places)


def test_the_drawing_has_every_package_and_no_other() -> None:
    assert {text for text in TEXTS if re.fullmatch(r"src/\w+", text)} == {f"src/{package}" for package in MAY_IMPORT}
    assert set(BESIDE) <= set(TEXTS)


def packages_beside() -> dict[str, set[str]]:
    """What the training and the lab import of each other and of `src`."""
    found = {}
    for package in BESIDE:
        files = (PROJECT_ROOT / package).rglob("*.py")
        modules = [module.split(".") for file in files for module in imported_modules(file)]
        found[package] = {parts[parts[0] == "src"] for parts in modules if parts[0] in {"src", *BESIDE}} - {package}
    return found


def test_arrows_obey_the_rules_of_import() -> None:
    assert len(ARROWS) > 5
    for importer, imported in ARROWS:
        assert importer in {"main", *BESIDE} or imported in MAY_IMPORT[str(importer)], (importer, imported)


def test_an_arrow_stands_for_imports_that_there_are_and_who_imports_anything_of_ours_has_one() -> None:
    real = {(package_of(file), imported) for file in in_packages() for imported in imported_packages_of_ours(file)}
    real |= {(package, imported) for package, all_of_it in packages_beside().items() for imported in all_of_it}
    for arrow in ARROWS:
        assert arrow[0] == "main" or arrow in real, arrow
    importers = {package_of(file) for file in in_packages() if imported_packages_of_ours(file) - {package_of(file)}}
    assert importers | set(BESIDE) <= {importer for importer, _ in ARROWS}
