"""What documents, the image, deployments and the Makefile name is there: tracked by git, or ignored on purpose."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from posixpath import join, normpath

import pytest

from src.config.settings import PROJECT_ROOT

HELD_TO_IT = (
    *("*.md", "Makefile", ".ci/run", ".env.example", "pyproject.toml"),
    *("Dockerfile", ".dockerignore", "docker-compose*.yml", "deploy/*"),
)
# Where something else sees the checkout, or a folder of it.
SEEN_AS = {
    "/app/": " ./",
    "/opt/eyenet-backend/": " ./",
    "/etc/eyenet-gateway/": "deploy/gateway/",
    "/etc/grafana/dashboards/": "deploy/monitoring/grafana/dashboards/",
}
# What looks like a path of ours and is none.
NOT_OURS = (
    r"(application|image|multipart|text)/.*",  # media types
    r"\w[\w-]*\.[\w.-]+/[\w.-]+|(apps|autoscaling|policy)/v\d",  # labels and interfaces of Kubernetes
    r"(grafana|nvidia|prom)/\w+",  # images
    r"s|\d+r/s",  # a command of sed, a rate
    r"setup\.py|\.\w+\.npz",  # a kind of file
    r"[A-Z]+/.*|\.\./backups.*|new/.*|imports\.txt|file\.h5|src/assets/models/model\.h5",  # the reader's own
    r"deploy/gateway/tls/.*",  # the same
    r"report\.html|eyes\.csv|results\.jsonl",  # in the folder that a screening writes
)
# What follows `-m` and is no module of ours; smoke is a mark of pytest's.
TOOLS = {"cProfile", "mypy", "pip", "pytest", "ruff", "smoke", "venv"}

# Not behind a slash, a variable or a scheme: there, a path is somebody else's.
WORD = re.compile(r"(?<![\w./*$~)}>:\\-])(?:\.{1,2}/)*(?:\*\*/|\.?\w)[\w.*/-]*")
FILE_NAME = re.compile(
    r"\w\.(conf|css|csv|dat|env|h5|html|js|json|jsonl|md|mjs|npz|png|py|service|sh|svg|toml|txt|ya?ml)$"
)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def read(document: str) -> str:
    return (PROJECT_ROOT / document).read_text(encoding="utf-8")


def tracked_files() -> list[str]:
    # CI may run as another user than the one who owns the checkout.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    try:
        process = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs git and a checkout", allow_module_level=True)
    return process.stdout.split("\0")[:-1]


FILES = tracked_files()
TRACKED = {*FILES, *(str(folder) for file in FILES for folder in PurePosixPath(file).parents)}
NAMES = {PurePosixPath(file).name for file in FILES}
IGNORED = re.findall(r"^[^#!\s].*", read(".gitignore"), re.MULTILINE)
# The changelog tells of what was.
DOCUMENTS = [file for file in FILES if any(fnmatchcase(file, held) for held in HELD_TO_IT) and file != "CHANGELOG.md"]


def named_in(document: str, text: str) -> Iterator[str]:
    """Paths as they are written; modules that are run or imported as their files."""
    if document == ".dockerignore":
        yield from re.findall(r"^!?([^#!\s]\S*)", text, re.MULTILINE)
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        yield from sources.split()
    for variable, value in re.findall(r"^(\w+) [:?]?= (\S+)$", text, re.MULTILINE):
        text = text.replace(f"$({variable})", value)
    for place, ours in SEEN_AS.items():
        text = re.sub(rf"(?<![\w.]){place}", ours, text)
    for module in set(re.findall(r"(?: -m |\bfrom (?=\S+ import ))([a-z_][\w.]*)", text)) - TOOLS:
        path = module.replace(".", "/")
        yield f"{path}/__main__.py" if path in TRACKED else f"{path}.py"
    if document.endswith(".md"):
        text = "\n".join([*FENCED.findall(text), *re.findall(r"`([^`]+)`", FENCED.sub("", text))])
    yield from (word.rstrip("./") for word in WORD.findall(text) if "/" in word or FILE_NAME.search(word))


def is_tracked(path: str, document: str) -> bool:
    """Beside the document or in a folder above; words may leave the folder of a file out, YAML may not."""
    if path in NAMES and not document.endswith((".yml", ".yaml")):
        return True
    places = {normpath(join(folder, path)) for folder in PurePosixPath(document).parents}
    return not places.isdisjoint(TRACKED) or any(
        fnmatchcase(tracked, place) for place in places if "*" in place for tracked in TRACKED
    )


def is_ignored(path: str) -> bool:
    """Whether .gitignore names it or a folder above it: made here by a start, a build, or its owner."""
    steps = [*reversed(PurePosixPath(path).parents), PurePosixPath(path)]
    return any(
        fnmatchcase(str(step) if "/" in pattern.rstrip("/") else step.name, pattern.strip("/"))
        for pattern in IGNORED
        for step in steps
    )


def missing(document: str, text: str) -> list[str]:
    return sorted(
        path
        for path in set(named_in(document, text))
        if not is_tracked(path, document)
        and not is_ignored(path)
        and not any(re.fullmatch(pattern, path) for pattern in NOT_OURS)
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_named_is_there(document: str) -> None:
    gone = missing(document, read(document))
    assert not gone, f"{document} names what git does not track: {', '.join(gone)}"


@pytest.mark.parametrize("page", [document for document in DOCUMENTS if document.endswith(".md")])
def test_a_link_leads_to_a_file_and_to_a_heading_in_it(page: str) -> None:
    for link in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", FENCED.sub("", read(page))):
        path, _, heading = link.partition("#")
        file = normpath(join(PurePosixPath(page).parent, path)) if path else page
        assert file in TRACKED, f"{page} links to {link}: git does not track {file}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", FENCED.sub("", read(file)), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, f"{page} links to {link}: {file} has no such heading"


@pytest.mark.parametrize(
    ("document", "text", "gone"),
    [
        ("Dockerfile", "COPY main.py gone ./", ["gone"]),
        (".dockerignore", "*\n!main.py\n!gone", ["gone"]),
        ("Makefile", "LISTS := gone\nx:\n\tpip -r $(LISTS)/a.txt\n\tpython -m src.gone", ["gone/a.txt", "src/gone.py"]),
        ("docker-compose.yml", "- ./deploy/gone:/etc/gone:ro", ["./deploy/gone"]),
        ("deploy/systemd/eyenet-backend.service", "ExecStart=/opt/eyenet-backend/gone.py", ["./gone.py"]),
        ("deploy/kubernetes/gpu/kustomization.yaml", "- ../base\n- gone.yaml\n- nvidia.com/gpu", ["gone.yaml"]),
        ("deploy/scripts/backup.sh", "cp src/assets/gone/*.h5 src/assets/cascades/* /opt/x", ["src/assets/gone/*.h5"]),
        ("docs/api.md", "and/or `gone/`, `gone.py`, `src/main.py`, `main.py`", ["gone", "gone.py", "src/main.py"]),
        ("README.md", "```bash\npython examples/gone.py .env\n```", ["examples/gone.py"]),
    ],
)
def test_what_is_not_there_would_be_found_out(document: str, text: str, gone: list[str]) -> None:
    assert missing(document, text) == gone
