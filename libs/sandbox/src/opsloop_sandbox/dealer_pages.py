"""The dealers' web pages: real HTML, each with its own fault in the structured data."""

import html
import json

import msgspec

from opsloop_sandbox.contract import SiteMode
from opsloop_sandbox.json_value import JsonObject


class Dealer(msgspec.Struct, frozen=True, kw_only=True):
    """`jsonld` is the text of the page's script element as the site first has it, None = no such element."""

    name: str
    title: str
    telephone: str
    street: str
    town: str
    jsonld: str | None
    mode: SiteMode = "ok"


NAPLES_HONDA = """{
  "@context": "http://schema.org",
  "@type": "AutoDealers",
  "name": "Naples Honda",
  "url": "naples-honda",
  "phone": "+1-239-555-0143",
  "priceRange": 2,
  "openingHours": "Monday to Friday, nine to eight",
  "makesOffer": [
    {
      "@type": "Offer",
      "itemOffered": {"@type": "Car", "name": "2026 Honda CR-V"},
      "price": "call us for $32,450",
      "priceCurrency": "Dollars"
    }
  ]
}"""

CORAL_GABLES_TOYOTA = """{
  // pasted from the old site, please check
  "@context": "https://schema.org",
  "@type": "AutoDealer",
  "name": "Coral Gables Toyota",
  "telephone": "+1-305-555-0117",
  "openingHours": ["Mo-Sa 09:00-21:00",],
}"""

MIAMI_KIA: JsonObject = {
    "@context": "https://schema.org",
    "@type": "AutoDealer",
    "@id": "{url}#dealer",
    "name": "Miami Kia",
    "url": "{url}",
    "telephone": "+1-305-555-0164",
    "priceRange": "$$",
    "image": "{url}front.jpg",
    "openingHours": ["Mo-Fr 09:00-20:00", "Sa 09:00-18:00"],
    "brand": [{"@type": "Brand", "name": "Kia"}],
    "address": {
        "@type": "PostalAddress",
        "streetAddress": "8801 NW 12th St",
        "addressLocality": "Miami",
        "addressRegion": "FL",
        "postalCode": "33172",
        "addressCountry": "US",
    },
    "geo": {"@type": "GeoCoordinates", "latitude": 25.7824, "longitude": -80.3387},
}

JACKSONVILLE_NISSAN: JsonObject = {
    "@context": "https://schema.org",
    "@type": "AutoDealer",
    "name": "Jacksonville Nissan",
}
ORLANDO_FORD: JsonObject = {"@context": "https://schema.org", "@type": "AutoDealer", "name": "Orlando Ford"}


def script_text(document: JsonObject) -> str:
    """The document as it stands inside a script element: no `<` is left that could end it."""
    return json.dumps(document, indent=2, ensure_ascii=False).replace("<", "\\u003c")


def dealers(base_url: str) -> dict[str, Dealer]:
    """The sites as they are before anyone touched them; `base_url` is the sandbox's own address."""
    kia = script_text(MIAMI_KIA).replace("{url}", f"{base_url}/sites/miami-kia/")
    known = (
        Dealer(
            name="naples-honda",
            title="Naples Honda",
            telephone="+1-239-555-0143",
            street="3500 Davis Blvd",
            town="Naples, FL 34104",
            jsonld=NAPLES_HONDA,
        ),
        Dealer(
            name="coral-gables-toyota",
            title="Coral Gables Toyota",
            telephone="+1-305-555-0117",
            street="250 Bird Rd",
            town="Coral Gables, FL 33146",
            jsonld=CORAL_GABLES_TOYOTA,
        ),
        Dealer(
            name="tampa-chevrolet",
            title="Tampa Chevrolet",
            telephone="+1-813-555-0172",
            street="11300 N Florida Ave",
            town="Tampa, FL 33612",
            jsonld=None,
        ),
        Dealer(
            name="miami-kia",
            title="Miami Kia",
            telephone="+1-305-555-0164",
            street="8801 NW 12th St",
            town="Miami, FL 33172",
            jsonld=kia,
        ),
        Dealer(
            name="orlando-ford",
            title="Orlando Ford",
            telephone="+1-407-555-0188",
            street="4100 W Colonial Dr",
            town="Orlando, FL 32808",
            jsonld=script_text(ORLANDO_FORD),
            mode="hang",
        ),
        Dealer(
            name="jacksonville-nissan",
            title="Jacksonville Nissan",
            telephone="+1-904-555-0129",
            street="7200 Blanding Blvd",
            town="Jacksonville, FL 32244",
            jsonld=script_text(JACKSONVILLE_NISSAN),
            mode="down",
        ),
    )
    return {dealer.name: dealer for dealer in known}


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} | New and used cars in {town}</title>
<meta name="description" content="{title}: sales, service and parts.">
{script}</head>
<body>
<header><h1>{title}</h1>
<nav><a href="#new">New</a> <a href="#used">Used</a> <a href="#service">Service</a></nav></header>
<main>
<section id="new"><h2>New cars</h2><p>Come in for a test drive.</p></section>
<section id="used"><h2>Used cars</h2><p>Inspected and ready to go.</p></section>
<section id="service"><h2>Service</h2><p>Certified technicians, six days a week.</p></section>
</main>
<footer><address>{street}, {town}<br><a href="tel:{telephone}">{telephone}</a></address></footer>
</body>
</html>
"""


def render_page(dealer: Dealer, jsonld: str | None) -> str:
    """The whole page; the JSON-LD text goes in as it is."""
    script = "" if jsonld is None else f'<script type="application/ld+json">\n{jsonld}\n</script>\n'
    return PAGE.format(
        title=html.escape(dealer.title),
        street=html.escape(dealer.street),
        town=html.escape(dealer.town),
        telephone=html.escape(dealer.telephone),
        script=script,
    )


LOGIN_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head>
<body><form method="post"><label>Name <input name="name"></label>
<label>Password <input type="password" name="password">
</label> <button>Sign in</button></form></body></html>
"""
