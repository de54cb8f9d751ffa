"""What customers wrote about the dealers: the same every time but for the dates, which keep their distance from today.

Naples has copied reviews, a burst and a phone number in a text; Coral Gables does not answer its bad reviews; nobody
wrote about Tampa. The other dealers have a quiet record.
"""

import hashlib
import html
from datetime import datetime, timedelta

from opsloop_sandbox.json_value import JsonObject

PER_PAGE = 10
SILENT = "tampa-chevrolet"
NAMES = ("Ana R.", "Ben T.", "Carla M.", "Dev P.", "Elena S.", "Frank O.", "Grace L.", "Hiro N.", "Ines C.")
PRAISE = (
    "The sales team took time for all my questions and the price was the one we had agreed on.",
    "Oil change and tire rotation done within the hour, and they showed me what they had found.",
    "Second car we bought here. The paperwork took twenty minutes and nobody pushed anything on us.",
    "They came in early on a Saturday to get my car ready before our trip. Thank you!",
    "Clean waiting room, good coffee, and a service advisor who calls back when he says he will.",
    "Trade-in was fair, the test drive was long enough, and the handover explained every button.",
)
ENDINGS = (
    "We drove here from two towns over because my sister-in-law works nearby and knows them.",
    "Parking is tight around noon, so plan on walking a block or two in the sun.",
    "I have owned eleven cars in my life and this was by far the least stressful afternoon.",
)
"""Long enough that reviews with the same beginning are not near-duplicates."""
COMPLAINTS = (
    "Waited three hours for a repair that had an appointment, and nobody told me why.",
    "The price on the website was not the price at the desk. I left without a car.",
    "Four calls to the service desk and not a single one was returned.",
    "My car came back with a scratch on the rear door and the manager looked the other way.",
    "The warranty paperwork was lost twice. I am still waiting for my refund.",
)
COPIED = "Best dealership in town, amazing staff, amazing prices, I recommend them to all my friends and family!"
NEARLY = "Best dealership in town, amazing staff, great prices, I recommend them to all my friends and family!"
WITH_PHONE = "The salesman said to ask for Tony directly, call his cell at 239-555-0187 before you go."
BURST_DAYS_AGO = 12
BURST_TEXTS = (
    "Just picked up a new car, five stars for everybody there.",
    "Five stars. Fast, friendly, and no waiting at all today.",
    "Went in for a look and drove home in a new one, wonderful people.",
    "My neighbour sent me here and he was right about the service.",
    "No complaints whatsoever, would buy from them again tomorrow.",
    "Everything went smoothly from the first call to the keys.",
    "Great colors in stock and a very patient young man at the desk.",
)


def reviews_of(dealer: str, now: datetime) -> list[JsonObject]:
    """The dealer's reviews, newest first."""
    if dealer == SILENT:
        return []
    told = [_quiet(dealer, number) for number in range(18)]
    if dealer == "naples-honda":
        told += [(BURST_DAYS_AGO, 5, text, False) for text in BURST_TEXTS]
        told += [(BURST_DAYS_AGO, 5, COPIED, False)] * 3 + [
            (BURST_DAYS_AGO, 5, NEARLY, False),
            (40, 4, WITH_PHONE, True),
        ]
    if dealer == "coral-gables-toyota":
        told += [(9 + 14 * n, 1 + n % 2, text, False) for n, text in enumerate(COMPLAINTS)]
    told.sort(key=lambda one: one[0])
    return [_review(dealer, number, one, now) for number, one in enumerate(told, 1)]


def review_page(title: str, reviews: list[JsonObject], page: str) -> str | None:
    """One page of them as HTML with schema.org microdata; None when there is no such page."""
    last = max(1, -(-len(reviews) // PER_PAGE))
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0
    if not 1 <= number <= last:
        return None
    shown = "\n".join(_article(title, review) for review in reviews[(number - 1) * PER_PAGE : number * PER_PAGE])
    link = f'<p><a rel="next" href="?page={number + 1}">Older reviews</a></p>\n' if number < last else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)} | Reviews</title></head>\n<body><h1>Reviews of {html.escape(title)}</h1>\n"
        f"{shown or '<p>Nobody has written a review yet.</p>'}\n{link}</body></html>\n"
    )


Told = tuple[int, int, str, bool]
"""Days ago, stars, text, whether the owner answered."""


def _quiet(dealer: str, number: int) -> Told:
    """A review every two to three weeks, mostly content, two in three of them answered."""
    chance = hashlib.sha256(f"{dealer} {number}".encode()).digest()
    text = f"{PRAISE[number % len(PRAISE)]} {ENDINGS[number // len(PRAISE) % len(ENDINGS)]}"
    return 4 + 19 * number + chance[0] % 7, 3 if number % 7 == 5 else 4 + chance[1] % 2, text, number % 3 != 2


def _review(dealer: str, number: int, told: Told, now: datetime) -> JsonObject:
    days_ago, stars, text, answered = told
    at = (now - timedelta(days=days_ago)).replace(hour=9 + number % 9, minute=number % 60, second=0, microsecond=0)
    response: JsonObject = {
        "text": "Thank you for writing to us. We have passed it on to the team.",
        "date": (at + timedelta(hours=6 + 5 * (number % 8))).isoformat(),
    }
    return {
        "id": f"{dealer}-{number}",
        "rating": stars,
        "text": text,
        "author": NAMES[number % len(NAMES)],
        "date": at.isoformat(),
        "url": f"/sites/{dealer}/reviews/?page={(number - 1) // PER_PAGE + 1}#review-{number}",
        "response": response if answered else None,
    }


def _article(title: str, review: JsonObject) -> str:
    response = review["response"]
    answer = ""
    if isinstance(response, dict):
        answer = (
            '<div itemprop="comment" itemscope itemtype="https://schema.org/Comment">'
            f'<time itemprop="dateCreated" datetime="{response["date"]}"></time>'
            f'<p itemprop="text">{html.escape(str(response["text"]))}</p></div>'
        )
    return (
        f'<article id="{str(review["url"]).rpartition("#")[2]}" itemscope itemtype="https://schema.org/Review">'
        f'<meta itemprop="identifier" content="{review["id"]}"><link itemprop="url" href="{review["url"]}">'
        '<div itemprop="itemReviewed" itemscope itemtype="https://schema.org/AutoDealer">'
        f'<meta itemprop="name" content="{html.escape(title)}"></div>'
        f'<b itemprop="author" itemscope itemtype="https://schema.org/Person"><span itemprop="name">{review["author"]}'
        f'</span></b> <time itemprop="datePublished" datetime="{review["date"]}">{str(review["date"])[:10]}</time>'
        '<span itemprop="reviewRating" itemscope itemtype="https://schema.org/Rating">'
        f'<span itemprop="ratingValue">{review["rating"]}</span>/<span itemprop="bestRating">5</span></span>'
        f'<p itemprop="reviewBody">{html.escape(str(review["text"]))}</p>{answer}</article>'
    )
