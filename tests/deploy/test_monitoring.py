"""What deploy/monitoring holds is what its tools read, and leads people to where it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
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
    def test_each_says_what_and_how_bad_it_is_and_leads_to_what_to_do(self, name: str) -> None:
        assert set(ALERTS[name]["annotations"]) == {"summary", "description", "runbook"}
        assert ALERTS[name]["labels"]["severity"] in {"critical", "warning"}
        page, _, anchor = ALERTS[name]["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^#+ (.+)$", (PROJECT_ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor == name.lower()
        assert name in headings

    def test_each_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(self) -> None:
        tests = yaml.safe_load((MONITORING / "eyenet.rules.test.yml").read_text(encoding="utf-8"))["tests"]
        tried = {(check["alertname"], bool(check["exp_alerts"])) for test in tests for check in test["alert_rule_test"]}
        assert tried == {(name, heard) for name in ALERTS for heard in (True, False)}


class TestDashboard:
    def test_it_asks_whichever_prometheus_is_chosen_and_does_not_know_the_machine_it_was_made_on(self) -> None:
        text = json.dumps(DASHBOARD)
        chosen = '"datasource": {"type": "prometheus", "uid": "${datasource}"}'
        assert text.count('"datasource": ') == text.count(chosen) > 0
        assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
        assert not re.search(r"://|localhost|127\.0\.0\.1", text)

    def test_every_panel_has_a_number_and_a_title_and_no_panel_lies_on_another(self) -> None:
        assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
        assert all(panel["title"] for panel in DASHBOARD["panels"])
        taken: set[tuple[int, int]] = set()
        for panel in DASHBOARD["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert max(x for x, _ in cells) < 24
            assert not cells & taken, panel["title"]
            taken |= cells


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_its_image_is_pinned_only_this_machine_reaches_it_and_it_may_only_read_our_files(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["cap_drop"] == ["ALL"]
    for volume in service["volumes"]:
        assert volume.endswith(":ro") if volume.startswith(".") else volume.split(":")[0] in COMPOSE["volumes"]
