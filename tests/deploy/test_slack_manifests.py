"""The manifests can be pasted: their shape is Slack's, and the scopes are those that our calls need.

https://docs.slack.dev/reference/app-manifest
"""

import ast
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.series import ROOT
from opsloop_cli.doctor.scopes import SCOPES
from opsloop_common import catalogue
from opsloop_ingress.app import SLACK_PATHS

HTTP, SOCKET_MODE = "manifest.yaml", "manifest-socket-mode.yaml"
HOST = "ops.example.com"
METHOD = re.compile(r"(api|apps|auth|chat|conversations|files|reactions|team|users|views)(\.[a-zA-Z]+)+")
OF_METHODS = {
    "apps.connections.open": set(),  # an app-level token's
    "auth.test": set(),
    "chat.delete": {"chat:write"},
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write", "im:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "conversations.replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "users.info": {"users:read", "users:read.email"},
    "views.open": set(),
    "views.publish": set(),
}
"""What Slack's reference says that each method we call needs; im:write, because we post to people."""
OF_EVENTS: dict[str, set[str]] = {"app_home_opened": set()}


def manifest(name: str) -> Any:
    return yaml.safe_load((ROOT / "deploy/slack" / name).read_text())


def urls(value: object) -> Iterator[str]:
    match value:
        case dict():
            for one in value.values():
                yield from urls(one)
        case list():
            for one in value:
                yield from urls(one)
        case str() if value.startswith("http"):
            yield value


def methods_in_code() -> set[str]:
    """Every method of Slack's Web API that stands in the source of who talks to Slack."""
    folders = (ROOT / "services", ROOT / "libs/cli/src")
    trees = [ast.parse(path.read_text()) for folder in folders for path in folder.rglob("*.py")]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {text.strip("/") for text in texts if isinstance(text, str) and METHOD.fullmatch(text.strip("/"))}


@pytest.mark.parametrize("name", [HTTP, SOCKET_MODE])
def test_the_shape_is_slack_s(name: str) -> None:
    """Known keys only, within Slack's lengths; App Home and interactivity are on."""
    found = manifest(name)
    assert set(found) == {"_metadata", "display_information", "features", "oauth_config", "settings"}
    assert set(found["features"]) == {"bot_user", "app_home", "slash_commands"}
    assert set(found["settings"]) == {
        "interactivity", "event_subscriptions", "org_deploy_enabled", "socket_mode_enabled", "token_rotation_enabled",
    }  # fmt: skip
    assert len(found["display_information"]["name"]) <= 35
    assert len(found["display_information"]["description"]) <= 140
    assert found["features"]["app_home"]["home_tab_enabled"] is True
    assert found["features"]["app_home"]["messages_tab_enabled"] is True
    assert found["settings"]["interactivity"]["is_enabled"] is True
    assert found["settings"]["event_subscriptions"]["bot_events"] == list(OF_EVENTS)
    [command] = found["features"]["slash_commands"]
    assert command["command"] == catalogue.load(ROOT / "opsloop.toml").command
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000


@pytest.mark.parametrize("name", [HTTP, SOCKET_MODE])
def test_every_scope_is_there_and_none_besides(name: str) -> None:
    """Those of each method that the code calls, of each event, and of the command."""
    called = methods_in_code()
    assert called == set(OF_METHODS), "what does Slack's reference say that these need?"
    needed = {"commands"}.union(*OF_METHODS.values(), *OF_EVENTS.values())
    scopes = manifest(name)["oauth_config"]["scopes"]
    assert set(scopes) == {"bot"}
    assert sorted(scopes["bot"]) == sorted(needed)
    assert set(SCOPES) == needed


def test_over_http_slack_is_led_to_where_ingress_listens() -> None:
    """Each kind of request to its own path, over TLS, on one host to be replaced."""
    found = manifest(HTTP)
    led = {
        "command": found["features"]["slash_commands"][0]["url"],
        "interaction": found["settings"]["interactivity"]["request_url"],
        "event": found["settings"]["event_subscriptions"]["request_url"],
    }
    assert {urlsplit(url).path: kind for kind, url in led.items()} == SLACK_PATHS
    assert {urlsplit(url)[:2] for url in urls(found)} == {("https", HOST)}
    assert len(list(urls(found))) == 3
    assert found["settings"]["socket_mode_enabled"] is False


def test_socket_mode_needs_no_address() -> None:
    """It can be pasted as it is, and is the same app otherwise."""
    found, over_http = manifest(SOCKET_MODE), manifest(HTTP)
    assert list(urls(found)) == []
    assert found["settings"]["socket_mode_enabled"] is True
    found["settings"]["socket_mode_enabled"] = False
    del over_http["features"]["slash_commands"][0]["url"]
    del over_http["settings"]["interactivity"]["request_url"]
    del over_http["settings"]["event_subscriptions"]["request_url"]
    assert found == over_http
