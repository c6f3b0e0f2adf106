"""The real Prometheus asks the real service: every rule is worked out, every panel has something to show."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from lab.common.backend import ServiceProcess, free_port
from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from tests.contract.payloads import data_uri, frame, scrape, value

MONITORING = PROJECT_ROOT / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana" / "dashboards" / "eyenet.json").read_text(encoding="utf-8"))
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
]
OURS = re.compile(r"\b(?:eyenet|process|python)_[a-z0-9_]+")

NOT_JSON = {"route": "/predict", "status": "400", "code": "invalid_json"}


class Prometheus:
    """The program with our configuration, asking one service every second instead of every fifteen."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, path: str, **parameters: str) -> Any:
        answer = self._client.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def series(self, query: str) -> list[dict[str, Any]]:
        """What a query gives now, each with its labels and its value."""
        return list(self.ask("query", query=query)["result"])

    def wait_for(self, query: str) -> None:
        """Until it is up and has an answer to the query."""

        def has_answer() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return self._client.get("/-/ready").status_code == 200 and bool(self.series(query))
            return False

        wait_until(has_answer, query)


@pytest.fixture(scope="module")
def prometheus(
    service: ServiceProcess, tmp_path_factory: pytest.TempPathFactory, face: RgbImage, eye_photo: RgbImage
) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed (Debian, Ubuntu: prometheus)")
    folder = tmp_path_factory.mktemp("prometheus")
    write_configuration(folder, service.port)
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        try:
            running = Prometheus(client)
            running.wait_for('count_over_time(up{job="eyenet"}[1m]) > 1')
            # One of each, between two looks, so that rates have something to rise from.
            for _ in range(2):
                service.client.post("/predict", json=[frame(face)])
                service.client.post("/upload", json={"image": data_uri(eye_photo)})
                service.client.post("/predict", content=b"not json")
                sent = value(scrape(service.client), "eyenet_requests_total", method="POST", **NOT_JSON)
                running.wait_for(f'eyenet_requests_total{{code="invalid_json", route="/predict"}} >= {sent}')
            running.wait_for('route:eyenet_request_duration_seconds:p95_5m{route="/upload"} > 0')
            yield running
        finally:
            process.terminate()


def write_configuration(folder: Path, port: int) -> None:
    """Ours, but for the pace, and with this service in the file that is there for addresses."""
    for file in MONITORING.glob("*.yml"):
        shutil.copy(file, folder)
    configuration = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    # There is no name "backend" here, and no name server need be asked for it.
    del configuration["scrape_configs"][0]["dns_sd_configs"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    (folder / "targets.yml").write_text(yaml.safe_dump([{"targets": [f"127.0.0.1:{port}"]}]), encoding="utf-8")


def test_every_rule_is_worked_out_and_a_healthy_service_raises_no_alarm(prometheus: Prometheus) -> None:
    def rules() -> list[dict[str, Any]]:
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()), "first look at every rule")
    assert {rule["name"]: rule.get("lastError") for rule in rules() if rule["health"] != "ok"} == {}
    for rule in rules():
        if rule["type"] == "recording":
            assert prometheus.series(rule["name"]), rule["name"]
    assert [series["metric"] for series in prometheus.series('ALERTS{alertstate="firing"}')] == []


@pytest.mark.parametrize("query", QUERIES)
def test_every_panel_has_something_to_show(prometheus: Prometheus, query: str) -> None:
    # Grafana's variables, as it replaces them.
    series = prometheus.series(query.replace("$__rate_interval", "1m").replace("$instance", ".*"))
    assert series
    assert all(one["value"][1] != "NaN" for one in series)


def test_every_name_in_rules_and_dashboard_is_on_the_page(client: httpx.Client) -> None:
    page = set(re.findall(r"^([a-z_0-9]+)[{ ]", client.get("/metrics").text, re.MULTILINE))
    groups = yaml.safe_load((MONITORING / "eyenet.rules.yml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    expressions = [rule["expr"] for rule in rules] + [str(query.values[0]) for query in QUERIES]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    # The names of recording rules contain those of metrics, without what Prometheus adds to histograms.
    used = set(OURS.findall(re.sub("|".join(map(re.escape, recorded)), "", " ".join(expressions))))

    assert len(used) > 10
    assert used <= page
