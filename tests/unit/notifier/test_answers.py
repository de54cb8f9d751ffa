"""What one person alone is told: each answer names what is wrong and what to do."""

import msgspec
import pytest
from hypothesis import given, settings

from opsloop_common.answers import AnswerBody, HelpBody, LogsBody, Offer, UnknownNameBody
from opsloop_notifier import answers, words
from unit.notifier import states
from unit.notifier.states import HOSTILE, told

HELP = HelpBody(
    command="/dealershipai",
    offers=(Offer("schema_fix", "Run Schema Fix", "Repairs the JSON-LD."),),
    targets=("naples-honda", "tampa-chevrolet"),
    words=(Offer("arr", "ARR Gain (1h)"),),
)


def said(body: AnswerBody, *lines: str) -> str:
    return states.check(told(body, lines=lines))


def test_help_lists_words_tasks_and_dealers() -> None:
    """Whoever asks for help can go on from it."""
    text = said(HELP)
    for part in (
        "`/dealershipai status` –",
        "`/dealershipai status &lt;dealer&gt;` –",
        "`/dealershipai arr &lt;dealer&gt;` – ARR Gain (1h)",
        "`/dealershipai run &lt;task&gt; &lt;dealer&gt;` –",
        "`/dealershipai tasks` –",
        "`/dealershipai task &lt;id&gt;` –",
        "`/dealershipai help` –",
        "`schema_fix` – Repairs",
        "`tampa-chevrolet`",
    ):
        assert part in text


def test_an_unknown_word_is_named() -> None:
    """The word that was not understood is shown, harmless."""
    assert "I do not know “sta&lt;us”" in said(msgspec.structs.replace(HELP, unknown_word="sta<us"))


def test_an_unknown_name_comes_with_the_nearest() -> None:
    """A typing error is answered with what was probably meant."""
    body = UnknownNameBody(what="target", given="naples-hnda", nearest=("naples-honda",), command="/d")
    assert "There is no dealer `naples-hnda`. Did you mean `naples-honda`?" in said(body)
    body = UnknownNameBody(what="task", given="x<!here>", nearest=(), command="/d")
    assert "There is no task `x&lt;!here&gt;`. Type `/d help` to see them all." in said(body)


def test_a_missing_name_is_asked_for_with_an_example() -> None:
    """Nothing given: what to type, and a name that would work."""
    body = UnknownNameBody(what="target", given="", nearest=("naples-honda",), command="/d")
    text = said(body)
    assert "Which dealer? Name it in the command, as in `/d status &lt;dealer&gt;`." in text
    assert "For example a dealer named `naples-honda`." in text


def test_a_log_is_shown_from_its_end() -> None:
    """The last thirty lines; without lines, a sentence."""
    body = LogsBody(task_id=states.TASK_ID, task="schema_fix", target="naples-honda")
    text = said(body, *(f"line {number}" for number in range(50)))
    assert "line 49" in text
    assert "line 20\n" in text
    assert "line 19\n" not in text
    assert words.NO_LOG_LINES in said(body)


@settings(deadline=None, max_examples=60)
@given(HOSTILE)
def test_no_answer_repeats_what_slack_would_interpret(text: str) -> None:
    """Names as typed never become a mention or a link, however long."""
    for body in (
        UnknownNameBody(what="target", given=text, nearest=(text,) * 3, command=text),
        msgspec.structs.replace(
            HELP,
            unknown_word=text,
            offers=(Offer(text, text, text),) * 60,
            words=(Offer(text, text, text),) * 60,
            targets=(text,) * 90,
        ),
    ):
        assert "<" not in said(body)


def test_a_known_secret_never_leaves() -> None:
    """The bot token in a log line is masked."""
    body = LogsBody(task_id=states.TASK_ID, task="schema_fix", target="naples-honda")
    assert states.TOKEN not in said(body, f"sent with {states.TOKEN}")


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found", "is_archived", "restricted_action", "other"])
def test_a_dead_channel_is_explained(error: str) -> None:
    """Whatever Slack said, the person is told what to do or what was said."""
    sentence = words.unreachable("C0OPS", "opsloop", error)
    states.check(answers.notice(sentence, key="k", style=states.STYLE))
    assert "<#C0OPS>" in sentence
