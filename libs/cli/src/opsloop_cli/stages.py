"""The stages of the tour: what Alice and Bob do in #ops, and what they must see."""

from opsloop_cli.expect.expectation import Look, acknowledged, alone, moved, one, replied
from opsloop_cli.tour import Stage, Visitor
from opsloop_sandbox.contract import Delivery

BOB = "U0BOB"
SLOW_SITE_SECONDS = 1.1
"""How long a slow dealer's site takes per request, so that the bar can be watched."""

_CARD = Look(words=("Naples Honda", "Run Schema Fix"), buttons=("task.run.schema_fix",))
_MEASURED = Look(words=(*_CARD.words, "ARR Gain (1h)", "$", "GNN Precision", "0.79"), buttons=_CARD.buttons)
_RISEN = Look(
    words=(*_CARD.words, "ARR Gain (1h)", "$", "GNN Precision"), without=("0.79", "no data"), buttons=_CARD.buttons
)
_NAPLES = ("⚙️ *schema_fix*", "naples-honda", "%")
_ORLANDO = ("⚙️ *schema_fix*", "orlando-ford", "%")
_NAPLES_DONE = Look(words=(*_NAPLES, "✅", "100%"), buttons=("task.logs",))
_ORLANDO_FAILED = Look(words=(*_ORLANDO, "❌", "timeout", "step 1"), buttons=("task.retry", "task.logs"))
_ORLANDO_DONE = Look(words=(*_ORLANDO, "attempt 2", "✅", "100%"), without=("❌",), buttons=("task.logs",))
_DENIED = Look(words=("verified people only", "#ops"), is_private=True)
_STEPS = ("Schema detected", "Validation started", "Processing")
_PERCENTS = tuple(f" {percent}%" for percent in (0, 20, 40, 60, 80, 100))


async def _help(alice: Visitor) -> Delivery:
    return await alice.types("help")


async def _status(alice: Visitor) -> Delivery:
    return await alice.types("status naples-honda")


async def _misspelt(alice: Visitor) -> Delivery:
    return await alice.types("status naples-hnda")


async def _run_from_card(alice: Visitor) -> Delivery:
    await alice.sandbox.change_site("naples-honda", mode="slow", seconds=SLOW_SITE_SECONDS)
    return await alice.clicks("task.run.schema_fix", _CARD)


async def _run_failing(alice: Visitor) -> Delivery:
    return await alice.types("run schema_fix orlando-ford")


async def _retry(alice: Visitor) -> Delivery:
    await alice.sandbox.change_site("orlando-ford", mode="ok")
    return await alice.clicks("task.retry", _ORLANDO_FAILED)


async def _view_logs(alice: Visitor) -> Delivery:
    return await alice.follows("task.logs", _ORLANDO_DONE, "orlando-ford", "attempt 2", "Step 1: Schema detected")


async def _tasks(alice: Visitor) -> Delivery:
    return await alice.types("tasks naples-honda")


async def _forecast(alice: Visitor) -> Delivery:
    await alice.clicks("task.run.arr_forecast", _CARD)
    return await alice.fills_in({"days": "14"})


async def _score(visitor: Visitor) -> Delivery:
    return await visitor.types("run ai_score_recompute naples-honda")


async def _restore(alice: Visitor) -> Delivery:
    await alice.sandbox.change_site("naples-honda", mode="ok")
    return await alice.types("run schema_restore naples-honda")


async def _cancel(alice: Visitor) -> Delivery:
    await alice.sandbox.change_site("tampa-chevrolet", mode="slow", seconds=SLOW_SITE_SECONDS)
    await alice.types("run schema_fix tampa-chevrolet")
    return await alice.clicks_soon("task.cancel", Look(words=("schema_fix", "tampa-chevrolet", "Running")))


async def _dealers(alice: Visitor) -> Delivery:
    return await alice.types("status")


async def _arr(alice: Visitor) -> Delivery:
    return await alice.types("arr naples-honda")


async def _home(alice: Visitor) -> Delivery:
    return await alice.opens_home("schema_restore", "ai_score_recompute")


STAGES = (
    Stage(
        "help",
        _help,
        4,
        (
            acknowledged(),
            one(
                "help for Alice alone, naming the command, the task and the dealers",
                Look(words=("/dealershipai", "status", "schema_fix", "naples-honda"), is_private=True),
            ),
        ),
    ),
    Stage(
        "status of a dealer",
        _status,
        4,
        (acknowledged(), one("the card of Naples Honda with its numbers and the button Run Schema Fix", _MEASURED)),
    ),
    Stage(
        "a misspelt dealer",
        _misspelt,
        4,
        (
            acknowledged(),
            one(
                "for Alice alone, the name she typed and the nearest one",
                Look(words=("naples-hnda", "naples-honda"), is_private=True),
            ),
        ),
    ),
    Stage(
        "Run Schema Fix, from the card to the end",
        _run_from_card,
        12,
        (
            acknowledged(),
            one("the task's message to end as ✅ at 100% with View Logs", _NAPLES_DONE),
            moved("the bar to move (three values at least)", _NAPLES_DONE, _PERCENTS, 3),
            replied(
                "every step, the end and its numbers in the thread", _NAPLES_DONE, *_STEPS, "✅", "ARR Gain (1h): $"
            ),
            one("the card to show the run as completed", Look(words=("Naples Honda", "✅"), buttons=_CARD.buttons)),
            alone("one message for the task", _NAPLES),
        ),
    ),
    Stage(
        "a run that fails",
        _run_failing,
        10,
        (
            acknowledged(),
            one("❌, the class of the failure and its step, with Retry Task and View Logs", _ORLANDO_FAILED),
            replied("the failure and the end of the log in the thread", _ORLANDO_FAILED, "❌", "```"),
            alone("one message for the task", _ORLANDO),
        ),
    ),
    Stage(
        "Retry, with the site answering again",
        _retry,
        8,
        (
            acknowledged(),
            one("the same message to end as ✅ at 100%, attempt 2", _ORLANDO_DONE),
            replied("the earlier failure and the success in the thread", _ORLANDO_DONE, "❌", "✅"),
            alone("one message for the task", _ORLANDO),
        ),
    ),
    Stage(
        "View Logs",
        _view_logs,
        4,
        (acknowledged(),),
    ),
    Stage(
        "what the fix did to the numbers",
        _status,
        8,
        (acknowledged(), one("a new card of Naples Honda, with a higher precision", _RISEN)),
    ),
    Stage(
        "what followed the fix",
        _tasks,
        6,
        (
            acknowledged(),
            one("the dealer's tasks for Alice alone", Look(words=("ugc_audit", "arr_forecast"), is_private=True)),
            alone("the audit, as a message of its own", ("⚙️ *ugc_audit*", "naples-honda", "started by", "✅")),
            alone("the forecast, as a message of its own", ("⚙️ *arr_forecast*", "naples-honda", "started by", "✅")),
        ),
    ),
    Stage(
        "a forecast, with its days asked for in a form",
        _forecast,
        8,
        (
            acknowledged(),
            one(
                "the forecast with its course and what it is worth", Look(words=("⚙️ *arr_forecast*", "✅", "80 % sure"))
            ),
        ),
    ),
    Stage(
        "the AI score, for a verified person",
        _score,
        8,
        (
            acknowledged(),
            one("a score of 100 with its parts", Look(words=("ai_score_recompute", "✅", "of 100", "Schema"))),
        ),
    ),
    Stage(
        "the same, for somebody who is not verified",
        _score,
        6,
        (
            acknowledged(),
            one(
                "for Bob alone, why not and whom to ask", Look(words=("verified people only", "#ops"), is_private=True)
            ),
        ),
        user=BOB,
    ),
    Stage(
        "the schema from before the fix, put back",
        _restore,
        8,
        (acknowledged(), one("the way back, proven", Look(words=("schema_restore", "✅", "from before the last fix")))),
    ),
    Stage(
        "Cancel",
        _cancel,
        10,
        (
            acknowledged(),
            one("the task to end, by whom", Look(words=("schema_fix", "tampa-chevrolet", "Cancelled by alice"))),
        ),
    ),
    Stage(
        "every dealer at a glance",
        _dealers,
        4,
        (
            acknowledged(),
            one("the dealers with their state", Look(words=("naples-honda", "tampa-chevrolet"), is_private=True)),
        ),
    ),
    Stage(
        "a number and its course",
        _arr,
        4,
        (acknowledged(), one("the ARR gain for Alice alone", Look(words=("ARR Gain", "$"), is_private=True))),
    ),
    Stage("the app's own page", _home, 6, (acknowledged(),)),
)
