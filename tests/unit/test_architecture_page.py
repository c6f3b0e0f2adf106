"""docs/architecture.md and its drawing show the code as it is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from src.config.settings import PROJECT_ROOT
from tests.unit.test_architecture import (
    MAY_IMPORT,
    imported_modules,
    imported_packages_of_ours,
    in_packages,
    package_of,
)

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
