"""The compose files are valid, and say what the README says of them. No engine is needed, and none is started."""

from __future__ import annotations

import re
from typing import Any

import compose_spec
import pytest
import yaml

from src.config.settings import PROJECT_ROOT

FILES = {
    # What compose itself would have done with them: values put in, and what is reset taken away.
    name: re.sub(r"\$\{[A-Z_]+:-(\w+)\}", r"\1", (PROJECT_ROOT / name).read_text(encoding="utf-8"))
    for name in ("docker-compose.yml", "docker-compose.cpu.yml")
}
RESET = "    deploy: !reset null\n"


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(FILES["docker-compose.yml"])["services"])


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_valid(name: str) -> None:
    # Raises what is wrong.
    compose_spec.PyCompose.from_yaml(FILES[name].replace(RESET, "")).validate()


def test_without_a_gpu_none_is_reserved() -> None:
    assert RESET in FILES["docker-compose.cpu.yml"]
    assert "deploy" in services()["backend"]


def test_services_and_volumes_that_are_named_are_declared() -> None:
    file = yaml.safe_load(FILES["docker-compose.yml"])
    for service in file["services"].values():
        assert set(service.get("depends_on", [])) <= set(file["services"])
        sources = {volume.split(":")[0] for volume in service["volumes"]}
        assert {source for source in sources if not source.startswith(".")} <= set(file["volumes"])


def test_any_number_of_backends_can_stand_behind_the_one_port() -> None:
    backend, gateway = services()["backend"], services()["gateway"]

    # A port of the host can be had once: by the gateway, which `up backend` starts as well.
    assert "ports" not in backend
    assert "container_name" not in backend
    assert backend["depends_on"] == ["gateway"]
    assert gateway["ports"] == [f"8000:{gateway['environment']['GATEWAY_PORT']}"]
    assert gateway["environment"]["BACKENDS"] == f"backend:{backend['environment']['PORT']}"


def test_every_service_has_a_limit_of_memory_which_no_other_file_takes_away() -> None:
    limits = {name: service.get("mem_limit") for name, service in services().items()}
    assert all(re.fullmatch(r"[1-9][0-9]*[gm]", str(limit)) for limit in limits.values()), limits
    pods = {
        name: yaml.safe_load_all((PROJECT_ROOT / f"deploy/kubernetes/base/{name}.yaml").read_text(encoding="utf-8"))
        for name in ("backend", "gateway")
    }
    for name, documents in pods.items():
        (pod,) = (each["spec"]["template"]["spec"] for each in documents if each["kind"] == "Deployment")
        assert pod["containers"][0]["resources"]["limits"]["memory"] == f"{limits[name][:-1]}Gi"
    others = yaml.safe_load(FILES["docker-compose.cpu.yml"].replace(RESET, ""))["services"]
    assert not any("mem_limit" in service for service in others.values())


def test_the_gateway_may_do_little_keeps_its_files_in_memory_and_is_given_no_keys() -> None:
    gateway = services()["gateway"]

    assert gateway["user"] == "101:101"
    assert gateway["read_only"] is True
    assert gateway["cap_drop"] == ["ALL"]
    assert [entry.split(":")[0] for entry in gateway["tmpfs"]] == ["/run/eyenet-gateway"]
    assert "env_file" not in gateway
    assert "API_KEYS" not in gateway["environment"]
