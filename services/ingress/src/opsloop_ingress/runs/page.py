"""The HTML of a run's page. Every text of others is escaped by the template engine; no script stands in the page."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape

from opsloop_ingress.runs.reading import Line
from opsloop_ingress.runs.run import LOG_LINES_SHOWN, RunShown

_FOLDER = files("opsloop_ingress.runs") / "assets"
_TEMPLATES = ("page.html", "state.html", "refusal.html")

_templates = Environment(
    loader=DictLoader({name: (_FOLDER / name).read_text("utf-8") for name in _TEMPLATES}),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


_templates.filters["moment"] = _moment


def page(run: RunShown, lines: Sequence[Line], query: str) -> str:
    """The whole page. `query` is what the link carried: the page's own links carry it too."""
    kept = lines[-LOG_LINES_SHOWN:]
    return _templates.get_template("page.html").render(
        run=run, lines=kept, hidden=len(lines) - len(kept), last=lines[-1].sequence if lines else 0, query=query
    )


def state(run: RunShown) -> str:
    """The part of the page that changes while the run goes on."""
    return _templates.get_template("state.html").render(run=run)


def refusal(title: str, sentence: str) -> str:
    return _templates.get_template("refusal.html").render(title=title, sentence=sentence)


def asset(name: str) -> bytes:
    """A file that pages ask for. Raises KeyError for any other name."""
    return {"run.css": _CSS, "run.js": _SCRIPT}[name]


_CSS = (_FOLDER / "run.css").read_bytes()
_SCRIPT = (_FOLDER / "run.js").read_bytes()
