"""The manifests are valid, render, and agree with the service's settings. No cluster is needed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from src.config.settings import PROJECT_ROOT, Settings
from src.supervisor.supervisor import SILENCE_AFTER_STEP_S

FOLDER = PROJECT_ROOT / "deploy" / "kubernetes"
GATEWAY = PROJECT_ROOT / "deploy" / "gateway"
VERSION = "1.33"
OVERLAYS = ("cpu", "gpu")
MANIFESTS = sorted(file for file in (FOLDER / "base").glob("*.yaml") if file.name != "kustomization.yaml")

_KUSTOMIZE = ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]
needs_kustomize = pytest.mark.skipif(
    shutil.which(_KUSTOMIZE[0]) is None, reason="neither kustomize nor kubectl (1.21 or newer) is installed"
)


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def rendered(overlay: str) -> list[dict[str, Any]]:
    command = subprocess.run(
        [*_KUSTOMIZE, str(FOLDER / overlay)], capture_output=True, text=True, timeout=60, check=False
    )
    assert command.returncode == 0, command.stderr
    return documents(command.stdout)


def of_base(kind: str, name: str) -> dict[str, Any]:
    every = [document for file in MANIFESTS for document in documents(file.read_text(encoding="utf-8"))]
    (found,) = [item for item in every if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def pod_of(name: str) -> dict[str, Any]:
    return dict(of_base("Deployment", name)["spec"]["template"]["spec"])


def settings_env() -> dict[str, str]:
    lines = (FOLDER / "base" / "settings.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.name)
def test_a_manifest_is_valid(file: Path) -> None:
    # Raises what is wrong.
    for document in documents(file.read_text(encoding="utf-8")):
        kubernetes_validate.validate(document, VERSION, strict=True)


@needs_kustomize
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_to_valid_manifests(overlay: str) -> None:
    found = rendered(overlay)
    for document in found:
        kubernetes_validate.validate(document, VERSION, strict=True)

    kinds = sorted(document["kind"] for document in found)
    assert (
        kinds
        == ["ConfigMap"] * 2
        + ["Deployment"] * 2
        + ["HorizontalPodAutoscaler", "Namespace"]
        + ["NetworkPolicy"] * 2
        + ["PodDisruptionBudget"] * 2
        + ["Service"] * 2
    )
    assert {document["metadata"].get("namespace") for document in found} == {"eyenet", None}


@needs_kustomize
def test_the_gpu_overlay_asks_for_a_gpu_and_the_other_does_not() -> None:
    limits = {}
    for overlay in OVERLAYS:
        (backend,) = [
            d for d in rendered(overlay) if (d["kind"], d["metadata"]["name"]) == ("Deployment", "eyenet-backend")
        ]
        pod = backend["spec"]["template"]["spec"]
        limits[overlay] = pod["containers"][0]["resources"]["limits"]
        assert pod["containers"][0]["image"] == f"eyenet-backend:{overlay}"
        # Merged, not replaced.
        assert {volume["name"] for volume in pod["volumes"]} >= {"tmp", "temp-images", "saved-eyes"}

    assert limits["gpu"].keys() - limits["cpu"].keys() == {"nvidia.com/gpu"}
    assert limits["gpu"]["nvidia.com/gpu"] == "1"


def test_no_file_is_forgotten() -> None:
    base = yaml.safe_load((FOLDER / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    gateway = yaml.safe_load((GATEWAY / "kustomization.yaml").read_text(encoding="utf-8"))

    assert {file.name for file in MANIFESTS} == {name for name in base["resources"] if name.endswith(".yaml")}
    (generator,) = gateway["configMapGenerator"]
    assert set(generator["files"]) == {file.name for file in GATEWAY.glob("*.conf")} | {"start.sh"}


def test_the_settings_are_settings_with_their_defaults(settings: Settings) -> None:
    values = settings_env()
    # Cores of a pod cannot be counted from inside.
    assert values.pop("WORKER_THREADS") == pod_of("eyenet-backend")["containers"][0]["resources"]["requests"]["cpu"]
    parsed = Settings(_env_file=FOLDER / "base" / "settings.env")

    for name in values:
        assert getattr(parsed, name.lower()) == getattr(settings, name.lower())


def test_a_pod_has_the_time_to_start_and_to_mend_itself_and_is_replaced_when_it_does_not(settings: Settings) -> None:
    (container,) = pod_of("eyenet-backend")["containers"]
    probes = {name: container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
    patience_s = {name: probe["periodSeconds"] * probe["failureThreshold"] for name, probe in probes.items()}

    assert {name: probe["httpGet"]["path"] for name, probe in probes.items()} == {
        "startup": "/health",
        "readiness": "/health",
        "liveness": "/live",
    }
    # Of a GPU, whose driver may translate kernels first.
    assert patience_s["startup"] >= 600
    assert patience_s["readiness"] <= settings.step_timeout_s
    assert settings.step_timeout_s + SILENCE_AFTER_STEP_S < patience_s["liveness"] <= 60


def test_a_pod_has_the_time_to_drain(settings: Settings) -> None:
    pod = pod_of("eyenet-backend")
    pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])

    assert pod["terminationGracePeriodSeconds"] > pause + settings.drain_timeout_s


@pytest.mark.parametrize("name", ["eyenet-backend", "eyenet-gateway"])
def test_a_pod_may_do_little(name: str) -> None:
    pod = pod_of(name)
    (container,) = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_backend_may_connect_to_nobody_and_the_gateway_keeps_its_files_in_memory() -> None:
    policy = of_base("NetworkPolicy", "eyenet-backend")["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []
    (writable,) = [volume for volume in pod_of("eyenet-gateway")["volumes"] if "emptyDir" in volume]
    assert writable["emptyDir"]["medium"] == "Memory"


@pytest.mark.parametrize("name", ["eyenet-backend", "eyenet-gateway"])
def test_everything_that_selects_a_pod_finds_it(name: str) -> None:
    labels = of_base("Deployment", name)["spec"]["template"]["metadata"]["labels"]
    service = of_base("Service", {"eyenet-gateway": "eyenet"}.get(name, name))

    assert service["spec"]["selector"] == labels
    assert of_base("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"] == labels
    assert of_base("NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"] == labels
