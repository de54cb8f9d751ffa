"""Writes Grafana's dashboards; `--check` only says which are not what this script writes.

Two: `opsloop-dealer`, which the cards in Slack link to, and `opsloop-services` for whoever runs the four services.
"""

import sys
from pathlib import Path

import msgspec
from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="opsloop-prometheus")
GRAFANA = DataSourceRef(type_val="grafana", uid="-- Grafana --")
GREEN, ORANGE, RED = "green", "orange", "red"


class Query(msgspec.Struct, frozen=True):
    expr: str
    legend: str = "__auto"


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """A graph, or a single figure. `steps`: from which value on which colour; the first colour is for all below."""

    title: str
    queries: tuple[Query, ...]
    what: str = ""
    unit: str = "short"
    width: int = 8
    is_figure: bool = False
    decimals: int | None = None
    steps: tuple[tuple[float | None, str], ...] = ((None, GREEN),)


def figure(title: str, expr: str, **more: object) -> Panel:
    return msgspec.convert({"title": title, "queries": [{"expr": expr}], "is_figure": True, "width": 4, **more}, Panel)


def graph(title: str, *queries: tuple[str, str], **more: object) -> Panel:
    asked = [{"expr": expr, "legend": legend} for expr, legend in queries]
    return msgspec.convert({"title": title, "queries": asked, **more}, Panel)


def quantiles(histogram: str, by: str = "") -> tuple[tuple[str, str], ...]:
    """The median and the 95th percentile; `by` names a label that makes a line of its own."""
    labels, name = (f"le, {by}", f" {{{{{by}}}}}") if by else ("le", "")
    rate = f"sum by ({labels}) (rate({histogram}_bucket[$__rate_interval]))"
    return tuple((f"histogram_quantile({share}, {rate})", f"p{share * 100:.0f}{name}") for share in (0.5, 0.95))


DEALER = (
    figure(
        "ARR gain (1h)", 'gnn_arr_gain_by_dealer{dealer="$dealer"}', unit="currencyUSD", width=8, decimals=0,
        steps=((None, RED), (-1000, ORANGE), (0, GREEN)),
    ),
    figure(
        "GNN precision", 'gnn_precision_by_dealer{dealer="$dealer"}', unit="percentunit", width=8, decimals=1,
        steps=((None, RED), (0.85, GREEN)),
    ),
    figure(
        "AI visibility", 'max(ai_visibility_score{dealer="$dealer"})', width=8, decimals=0,
        steps=((None, RED), (50, ORANGE), (75, GREEN)),
    ),
    graph("ARR gain", ('gnn_arr_gain_by_dealer{dealer="$dealer"}', "ARR gain"), unit="currencyUSD", width=24),
    graph("GNN precision", ('gnn_precision_by_dealer{dealer="$dealer"}', "precision"), unit="percentunit", width=12),
    graph("AI visibility", ('max(ai_visibility_score{dealer="$dealer"})', "score"), width=12),
)  # fmt: skip

OVERVIEW = (
    figure("Services up", "count(opsloop:replicas_up:count > 0)", what="Of four.", steps=((None, RED), (4, GREEN))),
    figure("Running tasks", "sum(opsloop:tasks_running:sum)"),
    figure(
        "Shown in Slack after (p95)", "opsloop:visible_delay_seconds:p95", unit="s",
        steps=((None, GREEN), (2, ORANGE), (5, RED)),
    ),
    figure("Owed to Slack", "sum(notifier_owed)", what="Tasks and answers with something not visible yet."),
    figure("Longest backlog", "max(opsloop_consumer_lag_messages)", steps=((None, GREEN), (50, ORANGE), (200, RED))),
    figure(
        "Dead letters (24h)", 'sum(increase(opsloop_messages_handled_total{outcome="reject"}[24h]))', decimals=0,
        steps=((None, GREEN), (1, RED)),
    ),
)  # fmt: skip

TASKS = (
    graph("What people do", ("sum by (type) (opsloop:slack_actions:rate15m) * 60", "{{type}}"), what="A minute."),
    graph(
        "Attempts that ended",
        ("sum by (task, outcome) (increase(task_runs_total[$__rate_interval]))", "{{task}} {{outcome}}"),
    ),
    graph("Running", ("opsloop:tasks_running:sum", "{{task}}")),
    graph("How long attempts take", *quantiles("task_duration_seconds", "task"), unit="s", width=12),
    graph(
        "Answers", ("sum by (answer) (increase(slack_answers_total[$__rate_interval]))", "{{answer}}"),
        width=12,
    ),
)  # fmt: skip

INGRESS = (
    graph(
        "Requests", ("sum by (kind, outcome) (rate(ingress_requests_total[$__rate_interval]))", "{{kind}} {{outcome}}"),
        unit="reqps",
    ),
    graph("Answered after", *quantiles("ingress_request_seconds"), unit="s", what="Slack gives up after three."),
    graph(
        "Refused, or no broker",
        ("sum by (reason) (increase(ingress_refused_total[$__rate_interval]))", "refused: {{reason}}"),
        ("sum by (reason) (increase(ingress_unavailable_total[$__rate_interval]))", "unavailable: {{reason}}"),
    ),
    graph("In flight", ("sum(ingress_requests_in_flight)", "requests"), ("sum(ingress_slack_sockets)", "sockets")),
    graph(
        "Forms", ("sum by (step, outcome) (increase(ingress_forms_total[$__rate_interval]))", "{{step}} {{outcome}}")
    ),
    graph(
        "Who is this",
        ("sum by (source, outcome) (increase(identity_lookups_total[$__rate_interval]))", "{{source}} {{outcome}}"),
    ),
)  # fmt: skip

BROKER = (
    graph(
        "Backlog", ("max by (stream, consumer) (opsloop_consumer_lag_messages)", "{{stream}} {{consumer}}"),
        what="Stored and not yet delivered.",
    ),
    graph(
        "Handled",
        (
            "sum by (consumer, outcome) (rate(opsloop_messages_handled_total[$__rate_interval]))",
            "{{consumer}} {{outcome}}",
        ),
        unit="ops",
    ),
    graph("Handling takes (p95)", quantiles("opsloop_message_handling_seconds", "consumer")[1], unit="s"),
)  # fmt: skip

NOTIFIER = (
    graph(
        "Calls to Slack",
        ("sum by (method, result) (rate(notifier_slack_calls_total[$__rate_interval]))", "{{method}} {{result}}"),
        unit="reqps",
    ),
    graph("Visible after", *quantiles("notifier_visible_delay_seconds"), unit="s"),
    graph("Owed to Slack", ("sum(notifier_owed)", "owed")),
)

METRICS = (
    graph("Questions", ("sum by (outcome) (rate(metrics_queries_total[$__rate_interval]))", "{{outcome}}"), width=12),
    graph("Prometheus took", *quantiles("metrics_query_seconds"), unit="s", width=12),
)


def query(asked: Query) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(asked.expr).legend_format(asked.legend)


def as_figure() -> stat.Panel | timeseries.Panel:
    return stat.Panel().graph_mode(BigValueGraphMode.AREA).color_mode(BigValueColorMode.VALUE)


def as_graph() -> stat.Panel | timeseries.Panel:
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    return timeseries.Panel().tooltip(tooltip).fill_opacity(10).span_nulls(False)


def drawn(panel: Panel, asked: list[prometheus.Dataquery]) -> stat.Panel | timeseries.Panel:
    """One panel with its letters for queries."""
    new = as_figure() if panel.is_figure else as_graph()
    steps = [Threshold(value=value, color=colour) for value, colour in panel.steps]
    new.title(panel.title).unit(panel.unit).datasource(SOURCE).span(panel.width).height(4 if panel.is_figure else 8)
    new.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.what:
        new.description(panel.what)
    if panel.decimals is not None:
        new.decimals(panel.decimals)
    for letter, one in zip("ABCDEF", asked, strict=False):
        new.with_target(one.ref_id(letter))
    return new


def empty(uid: str, title: str, *tags: str, with_series: bool) -> dashboard.Dashboard:
    """With the marks of what tasks did: those written to Grafana, and those of series, which know no dealer."""
    written = (
        dashboard.AnnotationQuery()
        .name("Tasks")
        .datasource(GRAFANA)
        .enable(True)
        .icon_color("purple")
        .type("tags")
        .target(dashboard.AnnotationTarget().type("tags").tags(["opsloop", *tags]).match_any(False).limit(200))
    )
    seen = (
        dashboard.AnnotationQuery()
        .name("Ended attempts, from series")
        .datasource(SOURCE)
        .enable(with_series)
        .icon_color("blue")
        .expr("sum by (task, outcome) (increase(task_runs_total[1m])) > 0")
    )
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["opsloop"])
        .readonly()
        .refresh("10s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .annotation(written)
        .annotation(seen)
    )


def with_panels(board: dashboard.Dashboard, panels: tuple[Panel, ...]) -> None:
    for panel in panels:
        board.with_panel(drawn(panel, [query(one) for one in panel.queries]))


def dealer() -> dashboard.Dashboard:
    board = empty("opsloop-dealer", "A dealer", "target:$dealer", with_series=False).time("now-24h", "now")
    board.with_variable(
        dashboard.QueryVariable("dealer")
        .label("Dealer")
        .datasource(SOURCE)
        .query("label_values(gnn_arr_gain_by_dealer, dealer)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    with_panels(board, DEALER)
    return board


def services() -> dashboard.Dashboard:
    board = empty("opsloop-services", "OpsLoop: the four services", with_series=True)
    rows = (
        ("Overview", OVERVIEW),
        ("Tasks", TASKS),
        ("Ingress", INGRESS),
        ("Broker: what consumers have before them", BROKER),
        ("Notifier", NOTIFIER),
        ("Metrics", METRICS),
    )
    for title, panels in rows:
        board.with_row(dashboard.Row(title))
        with_panels(board, panels)
    return board


def written() -> dict[str, str]:
    """What the files hold, by name."""
    boards = {"dealer.json": dealer(), "services.json": services()}
    return {name: f"{JSONEncoder(sort_keys=True, indent=2).encode(board.build())}\n" for name, board in boards.items()}


def main() -> None:
    if "--check" in sys.argv[1:]:
        differing = [name for name, text in written().items() if _held(FOLDER / name) != text]
        sys.exit(f"not what scripts/dashboards.py writes: {', '.join(differing)}" if differing else 0)
    for name, text in written().items():
        (FOLDER / name).write_text(text)


def _held(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    main()
