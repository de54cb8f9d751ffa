"""A real Prometheus for tests, started on series written before."""

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import msgspec

from broker import free_port
from debian import program

START_SECONDS = 30


class Sample(msgspec.Struct, frozen=True):
    """A sample of a gauge to start with; `at` in Unix seconds, in whole milliseconds."""

    name: str
    labels: dict[str, str]
    value: str
    at: float


@contextlib.contextmanager
def prometheus_at(folder: Path, samples: list[Sample]) -> Iterator[str]:
    """The address of a Prometheus that is ready and has these samples, and no others."""
    data, config, port = folder / "data", folder / "prometheus.yml", free_port()
    config.write_text("global: {}\n")
    _write_blocks(program("promtool"), folder / "samples.txt", data, samples)
    options = (f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(program("prometheus")), *options], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, folder / "log")
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(url):
        assert time.monotonic() < deadline, f"Prometheus did not start: {log.read_text()[-2000:]}"
        time.sleep(0.02)


def _write_blocks(promtool: Path, text: Path, data: Path, samples: list[Sample]) -> None:
    ordered = sorted(samples, key=lambda sample: (sample.name, sorted(sample.labels.items()), sample.at))
    lines: list[str] = []
    for sample in ordered:
        family = f"# TYPE {sample.name} gauge"
        lines += [] if family in lines else [family]
        lines.append(f"{sample.name}{{{_labels(sample.labels)}}} {sample.value} {sample.at:.3f}")
    text.write_text("\n".join([*lines, "# EOF", ""]))
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    """A label's value in OpenMetrics."""
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        value = value.replace(plain, written)
    return value


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as response:  # noqa: S310 - our own loopback URL
            return int(response.status) == 200
    except (URLError, OSError):
        return False
