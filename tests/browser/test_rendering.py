"""Slack's markup as the page shows it, module by module, in the real browser."""

from typing import Any

import pytest
from playwright.async_api import Page

from browser.stage import Stage

RENDER = """async ([module, name, value]) => {
  const made = (await import(`/page/${module}.js`))[name](value);
  const box = document.createElement("div");
  box.append(...[made].flat());
  return box.innerHTML.replaceAll(/ (class|tabindex|target|rel)="[^"]*"/g, "");
}"""


@pytest.fixture
async def page(stage: Stage) -> Page:
    return await stage.window()


async def shown(page: Page, module: str, name: str, value: Any) -> str:
    html: str = await page.evaluate(RENDER, [module, name, value])
    return html


MRKDWN = {
    "*bold* _italic_ ~gone~ `code`": "<strong>bold</strong> <em>italic</em> <s>gone</s> <code>code</code>",
    "*bold _both_*": "<strong>bold <em>both</em></strong>",
    "2*3*4 snake_case_name ~/dir": "2*3*4 snake_case_name ~/dir",
    "* not bold *": "* not bold *",
    "a &lt;b&gt; &amp;amp; c": "a &lt;b&gt; &amp;amp; c",
    "<@U0BOB> in <#C0OPS> <!here>": "<span>@bob</span> in <span>#ops</span> <span>@here</span>",
    "<https://a.example/x?y&amp;z|a *b*>": '<a href="https://a.example/x?y&amp;z">a *b*</a>',
    "<javascript:alert(1)|click>": "click",
    "see https://a.example/b.": 'see <a href="https://a.example/b">https://a.example/b</a>.',
    "```x *y*\n&lt;z&gt;```": "<pre>x *y*\n&lt;z&gt;</pre>",
    "&gt; quoted\nnot": "<blockquote>quoted</blockquote>not",
    "one\ntwo": "one<br>two",
    "<!date^0^{nonsense}|then>": '<time datetime="1970-01-01T00:00:00.000Z" title="then">{nonsense}</time>',
    ":tada: :nonsense: 10:30:45": '<span role="img" aria-label="tada">🎉</span> :nonsense: 10:30:45',
}


async def test_mrkdwn(page: Page) -> None:
    """Each piece of markup becomes its element, what only resembles markup stays text."""
    found = {text: await shown(page, "mrkdwn", "mrkdwn", text) for text in MRKDWN}
    assert found == MRKDWN


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "*<b>*", "`<i>`", "<https://x.example|<b>>", "```<u>```"]
)
async def test_foreign_markup_stays_text(page: Page, text: str) -> None:
    """No element of somebody else's making gets into the page, by mrkdwn or by Markdown."""
    for module in ("mrkdwn", "markdown"):
        html = await shown(page, module, module, text)
        assert not any(tag in html for tag in ("<img", "<b>", "<i>", "<u>")), html


async def test_dates_are_in_the_readers_zone(page: Page) -> None:
    """A date of today is called so, and an unknown token stays visible."""
    html = await page.evaluate(
        """async (format) => (await import("/page/moment.js")).formatted(Date.now() / 1000, format)""",
        "Asked {date_short_pretty} {x}",
    )
    assert html == "Asked today {x}"


async def test_rich_text(page: Page) -> None:
    """Sections, lists, quotes and code, with their styles; an element that is not known is loud."""
    block = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "a", "style": {"bold": True}},
                    {"type": "user", "user_id": "U0BOB"},
                    {"type": "link", "url": "https://a.example", "text": "l"},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}],
            },
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x < y"}]},
            {"type": "rich_text_section", "elements": [{"type": "hologram"}]},
        ],
    }
    html = await shown(page, "richtext", "richText", block)
    assert '<p><strong>a</strong><span>@bob</span><a href="https://a.example">l</a></p>' in html
    assert "<ol><li>one</li></ol><pre>x &lt; y</pre>" in html
    assert "cannot show this rich text element: hologram" in html


async def test_markdown(page: Page) -> None:
    """Headings, lists, code, links and emphasis of the markdown block."""
    text = "# Title\n\n- **one** and *two*\n- [x] `three`\n\n1. [l](https://a.example)\n\n> said\n"
    text += "\n```\ncode *x*\n```\nend"
    assert await shown(page, "markdown", "markdown", text) == (
        "<div><h3>Title</h3><ul><li><strong>one</strong> and <em>two</em></li><li>☑ <code>three</code></li></ul>"
        '<ol><li><a href="https://a.example">l</a></li></ol><blockquote>said</blockquote>'
        "<pre>code *x*</pre><p>end</p></div>"
    )


async def test_blocks(page: Page) -> None:
    """Every block of the list is drawn: none is loud, and a picture from elsewhere is described, not fetched."""
    picture = {"type": "image", "image_url": "https://elsewhere.example/x.png", "alt_text": "a chart"}
    text = {"type": "mrkdwn", "text": "t"}
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": text, "fields": [text, text], "accessory": picture},
        {"type": "context", "elements": [picture, text]},
        {"type": "header", "text": {"type": "plain_text", "text": "h"}},
        {"type": "divider"},
        {**picture, "title": {"type": "plain_text", "text": "title"}},
        {"type": "markdown", "text": "m"},
        {"type": "actions", "elements": [select("static_select"), select("overflow")]},
    ]
    html = await shown(page, "blocks", "blocks", blocks)
    assert "cannot show" not in html
    assert "<img" not in html
    assert html.count("a chart") == 3


def select(kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "action_id": kind,
        "options": [{"text": {"type": "plain_text", "text": "One"}, "value": "1"}],
    }
