"""Programs for tests that no Python package holds: found on PATH, or fetched once from Debian and never installed.

They come from one release of Debian whatever the machine's own is, so everybody tests with the same versions.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

CACHE = Path.home() / ".cache" / "opsloop-tests"
RELEASE = "trixie"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
FETCH_SECONDS = 100
PLUGINS = "usr/libexec/docker/cli-plugins"


class Package(msgspec.Struct, frozen=True):
    """Where a program lies in Debian. `is_on_path` is False where the name on PATH may be something else."""

    name: str
    path: str
    is_on_path: bool = True


PACKAGES = {
    "prometheus": Package("prometheus", "usr/bin/prometheus"),
    "promtool": Package("promtool", "usr/bin/promtool"),
    "amtool": Package("prometheus-alertmanager", "usr/bin/amtool"),
    # A docker-compose on PATH may be the first generation, which reads another language.
    "docker-compose": Package("docker-compose", f"{PLUGINS}/docker-compose", is_on_path=False),
    # A sh and an nc like those of Alpine's images.
    "busybox": Package("busybox-static", "usr/bin/busybox", is_on_path=False),
    "kustomize": Package("kustomize", "usr/bin/kustomize"),
}


def program(name: str) -> Path:
    """The program's path. Fails the test with a line when it is neither here nor to be had."""
    package = PACKAGES[name]
    on_path = shutil.which(name) if package.is_on_path else None
    if on_path is not None:
        return Path(on_path)
    place = CACHE / RELEASE / package.name
    with _alone():
        if not place.exists():
            _fetch(package.name, place)
    if not (place / package.path).exists():
        pytest.fail(f"this test needs {name} on PATH, or Debian's apt-get to fetch it", pytrace=False)
    return place / package.path


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Test processes side by side fetch once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(package: str, place: Path) -> None:
    downloads = CACHE / "packages" / package
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir(parents=True)
    options = _options()
    if not _apt(downloads, *options, "download", package) and _apt(downloads, *options, "update"):
        _apt(downloads, *options, "download", package)
    unpacked = downloads / "unpacked"
    for file in downloads.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(file), str(unpacked)], check=True)  # noqa: S607 - Debian's own
    if unpacked.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        unpacked.rename(place)


def _options() -> list[str]:
    """Makes apt-get read our list of sources, from the machine's own mirror, and keep its lists in our cache."""
    state = CACHE / "apt"
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    sources = state / "debian.sources"
    sources.write_text(f"Types: deb\nURIs: {_mirror()}\nSuites: {RELEASE}\nComponents: main\nSigned-By: {KEYS}\n")
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": state / "lists",
        "Dir::Cache": state,
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _mirror() -> str:
    """Where this machine gets Debian from; empty where it does not."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return next((line for line in listed.splitlines() if line.endswith("/debian/")), "")


def _apt(folder: Path, *arguments: str) -> bool:
    command = ["apt-get", "-qq", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        finished = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, check=False, timeout=FETCH_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return finished.returncode == 0
