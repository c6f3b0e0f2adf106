"""What deploy/monitoring holds is what its tools read, and leads people to where it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from src.config.settings import PROJECT_ROOT

MONITORING = PROJECT_ROOT / "deploy" / "monitoring"
RULES = [
    rule
    for group in yaml.safe_load((MONITORING / "eyenet.rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
DASHBOARD: dict[str, Any] = json.loads(
    (MONITORING / "grafana" / "dashboards" / "eyenet.json").read_text(encoding="utf-8")
)
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
# Of their profile, so that nobody who does not ask for them gets them.
SERVICES = {name: one for name, one in COMPOSE["services"].items() if one.get("profiles") == ["monitoring"]}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian, Ubuntu: prometheus)")
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "eyenet.rules.yml"),
        ("test", "rules", "eyenet.rules.test.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_own_tool_agrees(promtool: str, arguments: tuple[str, ...]) -> None:
    ended = subprocess.run([promtool, *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


class TestAlerts:
    @pytest.mark.parametrize("name", ALERTS)
    def test_each_says_what_and_how_bad_it_is(self, name: str) -> None:
        assert set(ALERTS[name]["annotations"]) == {"summary", "description", "runbook"}
        assert ALERTS[name]["labels"]["severity"] in {"critical", "warning"}

    @pytest.mark.parametrize("name", ALERTS)
    def test_each_leads_to_a_paragraph_on_what_to_do(self, name: str) -> None:
        page, _, anchor = ALERTS[name]["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^#+ (.+)$", (PROJECT_ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor == name.lower()
        assert name in headings

    def test_each_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(self) -> None:
        tests = yaml.safe_load((MONITORING / "eyenet.rules.test.yml").read_text(encoding="utf-8"))["tests"]
        tried = {(check["alertname"], bool(check["exp_alerts"])) for test in tests for check in test["alert_rule_test"]}
        assert tried == {(name, heard) for name in ALERTS for heard in (True, False)}


class TestDashboard:
    @staticmethod
    def parts(value: Any) -> Iterator[dict[str, Any]]:
        """Every object in it, however deep."""
        if isinstance(value, dict):
            yield value
            for inner in value.values():
                yield from TestDashboard.parts(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from TestDashboard.parts(inner)

    def test_it_asks_whichever_prometheus_is_chosen(self) -> None:
        sources = [part["datasource"] for part in self.parts(DASHBOARD) if "datasource" in part]
        assert sources
        assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
        assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]

    def test_every_panel_has_a_number_of_its_own_and_a_title(self) -> None:
        numbers = [panel["id"] for panel in DASHBOARD["panels"]]
        assert len(numbers) == len(set(numbers))
        assert all(panel["title"] for panel in DASHBOARD["panels"])

    def test_no_panel_lies_on_another(self) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in DASHBOARD["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert max(x for x, _ in cells) < 24
            assert not cells & taken, panel["title"]
            taken |= cells

    def test_it_does_not_know_the_machine_it_was_made_on(self) -> None:
        assert not re.search(r"://|localhost|127\.0\.0\.1", json.dumps(DASHBOARD))


class TestCompose:
    def test_there_is_one_prometheus_and_one_grafana(self) -> None:
        assert set(SERVICES) == {"prometheus", "grafana"}

    @pytest.mark.parametrize("name", SERVICES)
    def test_images_are_pinned(self, name: str) -> None:
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])

    @pytest.mark.parametrize("name", SERVICES)
    def test_only_this_machine_reaches_them(self, name: str) -> None:
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])
        assert SERVICES[name]["cap_drop"] == ["ALL"]

    @pytest.mark.parametrize("name", SERVICES)
    def test_they_may_only_read_our_files(self, name: str) -> None:
        for volume in SERVICES[name]["volumes"]:
            assert volume.endswith(":ro") if volume.startswith(".") else volume.split(":")[0] in COMPOSE["volumes"]
