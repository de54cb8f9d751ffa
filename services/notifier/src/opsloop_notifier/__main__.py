"""`opsloop-notifier`: reads the environment, connects, and shows in Slack what happens on the bus."""

import logging
import os

from prometheus_client import CollectorRegistry

from opsloop_common import log, runtime, tracing
from opsloop_common.bus.series import ConsumerSeries
from opsloop_common.probe import Health
from opsloop_common.redact import Redactor
from opsloop_common.service import QuestionSeries
from opsloop_common.settings import Environment
from opsloop_notifier import thread_links
from opsloop_notifier.forms import Forms
from opsloop_notifier.gate import Gate
from opsloop_notifier.measures import Measures
from opsloop_notifier.mrkdwn import Pen
from opsloop_notifier.office import Office, Pace
from opsloop_notifier.settings import Settings, read
from opsloop_notifier.slack import SlackWeb, open_session
from opsloop_notifier.style import Style
from opsloop_notifier.token_file import TokenFile


def main() -> None:
    runtime.main("notifier", start)


async def start() -> None:
    env = Environment(os.environ)
    settings = read(env)
    env.check()
    log.set_up("notifier", settings.service.log_level, Redactor(settings.hidden))
    tracing.set_up("notifier", os.environ)
    # The SDK writes whole request bodies at debug level, and these are messages of people.
    logging.getLogger("slack_sdk").setLevel(logging.WARNING)
    async with open_session() as session:
        registry = CollectorRegistry()
        measures = Measures(registry)
        slack = SlackWeb(token=settings.bot_token, api_url=settings.api_url, session=session, count=measures.count)
        await _serve(settings, slack, measures, registry)


async def _serve(settings: Settings, slack: SlackWeb, measures: Measures, registry: CollectorRegistry) -> None:
    token = TokenFile(settings.bot_token_file, settings.bot_token, slack.use)
    gate = Gate(slack.identify, renew=token.renew)
    measures.token_valid.set_function(lambda: gate.is_open)
    readiness = runtime.Readiness(registry, settings.service.nats_monitor_url)
    health = Health(registry, {"broker": readiness.check, "slack": lambda: gate.problem})
    async with runtime.probing(health, settings.service, "notifier"):
        work = _work(settings, slack, gate, measures, readiness, registry)
        await runtime.together(runtime.beat(health), gate.watch(), work)


async def _work(
    settings: Settings,
    slack: SlackWeb,
    gate: Gate,
    measures: Measures,
    readiness: runtime.Readiness,
    registry: CollectorRegistry,
) -> None:
    subjects = settings.service.subjects
    style = Style(settings.secrets, Pen(Redactor(settings.hidden)), settings.grafana_url, settings.public_url)
    series, asked = ConsumerSeries(registry), QuestionSeries(registry)
    bus = await runtime.connect(settings.service, "notifier")
    try:
        await readiness.wait(bus, subjects)
        office = Office(
            bus=bus, subjects=subjects, slack=slack, gate=gate, style=style, observe=measures.observe, series=series,
            pace=Pace(
                lease_seconds=settings.lease_seconds, settle_seconds=settings.settle_seconds,
                sweeps_seconds=settings.sweeps_seconds,
            ),
            behind=measures.behind,
        )  # fmt: skip
        slack.may_send = office.may_send
        measures.partitions.set_function(lambda: len(office.territory.owned))
        measures.taken.set_function(lambda: office.territory.taken)
        measures.owed.set_function(lambda: office.desk.owed)
        forms = Forms(slack=slack, gate=gate, catalogue=settings.catalogue, style=style)
        await readiness.while_streams_stand(
            office.run(), forms.run(bus, subjects, asked), thread_links.run(bus, subjects, office.links, asked)
        )
    finally:
        await bus.close()


if __name__ == "__main__":
    main()
