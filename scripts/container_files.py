"""Writes the files that compose.yaml mounts and that no repository holds: a folder with one file for each secret.

    container_files.py             secrets/: what can be made up is made up, the rest is empty until you fill it in
    container_files.py --sandbox   .opsloop/containers/: everything made up, and the catalogue for the sandbox's address

A file that is there stays as it is. An empty secret counts as one that is not set.
"""

import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SANDBOX = ROOT / ".opsloop" / "containers"
MADE_UP = {"opsloop_secret": "", "grafana_admin_password": ""}
OF_THE_SANDBOX = {
    "slack_bot_token": "xoxb-sandbox-",
    "slack_signing_secret": "",
    "clerk_secret_key": "sk_test_",
    "dealer_content_token": "",
}


def names() -> list[str]:
    """The secrets that compose.yaml mounts."""
    return re.findall(r"^  (\w+): \{file: ", (ROOT / "compose.yaml").read_text(), re.MULTILINE)


def write_secrets(folder: Path, made_up: dict[str, str]) -> None:
    """The folder is closed to others; a file in it is not, for in its container another user reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in names():
        path = folder / name
        if not path.exists():
            path.write_text(f"{made_up[name]}{secrets.token_hex(24)}" if name in made_up else "")
            path.chmod(0o644)


def main() -> None:
    if "--sandbox" not in sys.argv[1:]:
        write_secrets(ROOT / "secrets", MADE_UP)
        return
    write_secrets(SANDBOX / "secrets", MADE_UP | OF_THE_SANDBOX)
    catalogue = (ROOT / "opsloop.toml").read_text().replace("127.0.0.1:8090", "sandbox:8090")
    (SANDBOX / "opsloop.toml").write_text(catalogue)


if __name__ == "__main__":
    main()
