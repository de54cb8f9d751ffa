"""What a person in Slack was promised beyond the first loop: cancel, queue, chains, forms, the app's page, words."""

from e2e.test_loop import labels
from installation import ALICE, BOB, OPS, Installation
from opsloop_sandbox.contract import SeenMessage


async def newest(packs: Installation, ts: str) -> SeenMessage:
    return next(message for message in await packs.messages() if message.ts == ts)


async def test_a_running_task_is_cancelled_from_its_card(packs: Installation) -> None:
    """The card says that it is being cancelled, then by whom it was; the thread ends so too."""
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    card = await packs.see("patient", "▶️")
    assert "🛑 Cancel" in " ".join(labels(card)) or "Cancel" in " ".join(labels(card))
    await packs.sandbox.click(ALICE, OPS, card.ts, "task.cancel")
    done = await packs.see("patient", "🚫 Cancelled by alice")
    assert done.ts == card.ts
    await packs.see_reply(card.ts, "🚫 Cancelled by alice")
    assert not any("Cancel" in label for label in labels(await newest(packs, card.ts)))


async def test_a_second_task_says_behind_what_and_who_and_its_place(packs: Installation) -> None:
    """It moves up when the first is cancelled; somebody else may not cancel it."""
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    first = await packs.see("patient", "▶️")
    await packs.sandbox.command(BOB, OPS, "run reporting naples")
    waiting = await packs.see("reporting", "⏳", "patient")
    assert "alice" in str(waiting.blocks)
    await packs.sandbox.click(BOB, OPS, first.ts, "task.cancel")
    refusal = await packs.see("Only", user=BOB)
    assert refusal.ephemeral
    await packs.sandbox.click(ALICE, OPS, first.ts, "task.cancel")
    await packs.see("reporting", "✅")


async def test_a_chain_is_linked_both_ways_and_refuses_what_a_person_may_not(packs: Installation) -> None:
    """Bob's chain starts what he may run; that he may not run the other stands on the card, and he is told why."""
    await packs.sandbox.command(BOB, OPS, "run first naples")
    await packs.see("reporting for naples", "✅")
    parent = await packs.see("first for naples", "✅")

    async def linked() -> bool:
        blocks = str((await newest(packs, parent.ts)).blocks)
        return "reporting" in blocks and "locked" in blocks and "not started" in blocks

    await packs.until(linked, "the chain on the first card")
    child = await packs.see("reporting for naples", "✅")

    async def linked_back() -> bool:
        return "first" in str((await newest(packs, child.ts)).blocks)

    await packs.until(linked_back, "the first task on the second's card")
    assert (await packs.see("for verified people only", user=BOB)).ephemeral
    assert "locked for naples:" not in await packs.channel_text()


async def test_parameters_are_asked_for_in_a_form(packs: Installation) -> None:
    """A click opens it; what does not fit is told at the field; what fits runs."""
    await packs.sandbox.command(ALICE, OPS, "status naples")
    card = await packs.see("naples")
    await packs.sandbox.click(ALICE, OPS, card.ts, "task.run.asking")
    form = (await packs.sandbox.views(ALICE)).modal
    assert form is not None
    wrong = await packs.sandbox.submit(ALICE, str(form["id"]), {"days": {"value": "900"}})
    assert "90" in wrong.errors["days"]
    right = await packs.sandbox.submit(ALICE, str(form["id"]), {"days": {"value": "7"}})
    assert not right.errors
    await packs.see("asking for naples", "✅", "7 3")


async def test_the_app_s_page_follows_its_person(packs: Installation) -> None:
    """Opened, it lists their tasks; a running one is cancelled from there."""
    await packs.sandbox.event("app_home_opened", user=ALICE, event={"tab": "home", "channel": "D0ALICE"})
    await packs.sandbox.command(ALICE, OPS, "run patient naples")
    await packs.see("patient", "▶️")

    async def listed() -> bool:
        home = (await packs.sandbox.views(ALICE)).home
        return home is not None and "patient" in str(home) and "task.cancel" in str(home)

    await packs.until(listed, "the task on the page")
    home = (await packs.sandbox.views(ALICE)).home
    assert home is not None
    await packs.sandbox.click_in_view(ALICE, str(home["id"]), "task.cancel")
    await packs.see("patient", "🚫 Cancelled by alice")


async def test_the_words_list_and_explain(packs: Installation) -> None:
    """Dealers, tasks, one task, a metric; each mistake is named with what would be right."""
    await packs.sandbox.command(ALICE, OPS, "run reporting tampa")
    await packs.see("reporting for tampa", "✅")
    for words, told in (
        ("status", "tampa"),
        ("tasks", "reporting"),
        ("tasks tampa", "reporting"),
        ("task 07-aaaaaaaaaaaaaaaaaaaa", "07-aaaaaaaaaaaaaaaaaaaa"),
        ("gain tampa", "Gain"),
        ("gain tamap", "Did you mean"),
        ("run", "Which task"),
        ("frobnicate", "frobnicate"),
    ):
        before = {message.ts for message in await packs.messages()}
        delivery = await packs.sandbox.command(ALICE, OPS, words)
        assert (delivery.status, delivery.shown) == (200, None)

        async def answered(before: set[str] = before, told: str = told) -> bool:
            new = [message for message in await packs.messages() if message.ts not in before]
            return any(message.ephemeral and told in message.text + str(message.blocks) for message in new)

        await packs.until(answered, f"an answer to {words!r} with {told!r}")
