"""The manifests without a cluster: kustomize builds them, the API's schemas take them, and their names are ours."""

import re
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

from debian import program
from deploy.series import ROOT, exported
from opsloop_common import catalogue
from opsloop_common.bus import streams
from opsloop_common.subjects import Subjects

FOLDER = ROOT / "deploy" / "kubernetes"
SERVICES = ("ingress", "orchestrator", "notifier", "metrics")
API = "1.34"
Manifest = dict[str, Any]


def built(overlay: str) -> list[Manifest]:
    command = [str(program("kustomize")), "build", str(FOLDER / overlay)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return [manifest for manifest in yaml.safe_load_all(finished.stdout) if manifest]


@pytest.fixture(scope="module")
def base() -> list[Manifest]:
    return built("base")


@pytest.fixture(scope="module")
def autoscaling() -> list[Manifest]:
    return built("autoscaling")


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The pods' specifications, by what makes them."""
    makers = of_kind(manifests, "Deployment") | of_kind(manifests, "Job")
    return {name: maker["spec"]["template"]["spec"] for name, maker in makers.items()}


def test_the_api_takes_every_manifest(base: list[Manifest], autoscaling: list[Manifest]) -> None:
    """By Kubernetes' own schemas, unknown keys refused; only KEDA's have none."""
    for manifest in base + autoscaling:
        if manifest["kind"] != "ScaledObject":
            kubernetes_validate.validate(manifest, API, strict=True)


def test_every_pod_is_closed(base: list[Manifest]) -> None:
    """What the namespace enforces, and a root that cannot be written to."""
    assert set(pods(base)) == {*SERVICES, "provision"}
    for name, pod in pods(base).items():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert container["securityContext"] == closed, name
        assert "memory" in container["resources"]["limits"], name


def test_every_service_survives_a_drain(base: list[Manifest]) -> None:
    """Two replicas of which one stays, a probe for each question, and time to hand over."""
    for name in SERVICES:
        assert of_kind(base, "Deployment")[name]["spec"]["replicas"] == 2, name
        assert of_kind(base, "PodDisruptionBudget")[name]["spec"]["minAvailable"] == 1, name
        pod = pods(base)[name]
        (container,) = pod["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz", name
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", name
        assert pod["terminationGracePeriodSeconds"] >= 20, name


def test_secrets_are_the_files_that_compose_mounts(base: list[Manifest]) -> None:
    """Each service gets the same ones, by the same names, and none by its value."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in SERVICES:
        (container,) = pods(base)[name]["containers"]
        given = {one["name"]: one["value"] for one in container["env"]}
        (volume,) = [one["secret"] for one in pods(base)[name]["volumes"] if "secret" in one]
        items = [item["key"] for item in volume["items"]]
        assert items == compose[name]["secrets"], name
        assert given == {f"{key.upper()}_FILE": f"/run/secrets/opsloop/{key}" for key in items}, name


def test_the_variables_are_known(base: list[Manifest]) -> None:
    """Each stands in .env.example."""
    told = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    (variables,) = [one["data"] for name, one in of_kind(base, "ConfigMap").items() if "catalogue" not in name]
    assert set(variables) <= told


def test_all_read_the_catalogue(base: list[Manifest]) -> None:
    """Provisioning too: it makes a stream for each publisher."""
    for name, pod in pods(base).items():
        (container,) = pod["containers"]
        assert "/etc/opsloop" in [one["mountPath"] for one in container["volumeMounts"]], name


def test_the_catalogue_is_valid() -> None:
    """The one to start from."""
    assert catalogue.load(FOLDER / "base" / "opsloop.toml").tasks


def test_what_scales_has_no_number_of_its_own(autoscaling: list[Manifest]) -> None:
    """Else each apply would undo what KEDA did; and there are always two."""
    for name in ("orchestrator", "notifier"):
        assert "replicas" not in of_kind(autoscaling, "Deployment")[name]["spec"], name
        assert of_kind(autoscaling, "ScaledObject")[name]["spec"]["minReplicaCount"] == 2, name


def test_orchestrators_follow_the_consumer_of_waiting_tasks(autoscaling: list[Manifest]) -> None:
    """Of a consumer that does not exist KEDA would count the whole stream."""
    (trigger,) = of_kind(autoscaling, "ScaledObject")["orchestrator"]["spec"]["triggers"]
    asked = (trigger["metadata"]["stream"], trigger["metadata"]["consumer"])
    assert trigger["type"] == "nats-jetstream"
    assert asked in {(one.stream, one.name) for one in streams.topology(Subjects()).consumers}


def test_notifiers_follow_what_waits_for_them_alone(autoscaling: list[Manifest]) -> None:
    """A series that notifiers export; never what Slack's limits hold back."""
    (trigger,) = of_kind(autoscaling, "ScaledObject")["notifier"]["spec"]["triggers"]
    (asked,) = re.findall(r"[a-z_]+_[a-z_]+", trigger["metadata"]["query"])
    assert asked in exported()
    assert "owed" not in asked
