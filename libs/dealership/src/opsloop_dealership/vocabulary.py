"""The part of schema.org's vocabulary that describes a car dealer.

Source: schema.org release 30.0, `schemaorg-current-https-{types,properties}.csv`. AutoDealer inherits from
AutomotiveBusiness, LocalBusiness, Organization, Place and Thing; the first two levels add no property of their own.
"""

from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


DEALER = "AutoDealer"
BROADER = frozenset({"AutomotiveBusiness", "LocalBusiness", "Organization", "Place", "Thing"})
AUTOMOTIVE = _names(
    "AutoBodyShop AutoDealer AutoPartsStore AutoRental AutoRepair AutoWash GasStation MotorcycleDealer MotorcycleRepair"
)
COMPANIONS = frozenset({"Corporation", "OnlineBusiness", "OnlineStore", "Store", "TireShop"})
TYPES = BROADER | AUTOMOTIVE | COMPANIONS

_THING = (
    "additionalType alternateName description disambiguatingDescription identifier image mainEntityOfPage name owner"
    " potentialAction sameAs subjectOf url"
)
_ORGANIZATION = (
    "acceptedPaymentMethod actionableFeedbackPolicy address agentInteractionStatistic aggregateRating alumni"
    " areaServed award brand companyRegistration contactPoint correctionsPolicy department dissolutionDate"
    " diversityPolicy diversityStaffingReport duns email employee ethicsPolicy event faxNumber founder foundingDate"
    " foundingLocation funder funding globalLocationNumber hasCertification hasCredential hasGS1DigitalLink"
    " hasMemberProgram hasMerchantReturnPolicy hasOfferCatalog hasPOS hasShippingService interactionStatistic isicV4"
    " iso6523Code keywords knowsAbout knowsLanguage legalAddress legalName legalRepresentative leiCode location logo"
    " makesOffer member memberOf naics nonprofitStatus numberOfEmployees ownershipFundingInfo owns"
    " parentOrganization publishingPrinciples review seeks skills slogan sponsor subOrganization taxID telephone"
    " unnamedSourcesPolicy vatID"
)
_PLACE = (
    "additionalProperty amenityFeature branchCode containedInPlace containsPlace geo geoContains geoCoveredBy"
    " geoCovers geoCrosses geoDisjoint geoEquals geoIntersects geoOverlaps geoTouches geoWithin"
    " hasDriveThroughService hasMap isAccessibleForFree latitude longitude maximumAttendeeCapacity"
    " openingHoursSpecification photo publicAccess smokingAllowed specialOpeningHoursSpecification tourBookingPage"
)
_LOCAL_BUSINESS = "currenciesAccepted floorLevel openingHours paymentAccepted priceRange"

PROPERTIES = _names(f"{_THING} {_ORGANIZATION} {_PLACE} {_LOCAL_BUSINESS}")
SUPERSEDED = MappingProxyType(
    {
        "awards": "award",
        "branchOf": "parentOrganization",
        "contactPoints": "contactPoint",
        "containedIn": "containedInPlace",
        "employees": "employee",
        "events": "event",
        "founders": "founder",
        "map": "hasMap",
        "maps": "hasMap",
        "members": "member",
        "photos": "photo",
        "reviews": "review",
        "serviceArea": "areaServed",
    }
)
ADDRESS = _names(
    "addressCountry addressLocality addressRegion extendedAddress postalCode postOfficeBoxNumber streetAddress"
)
GEO = _names("address addressCountry elevation latitude longitude postalCode")
HOURS = _names("closes dayOfWeek opens validFrom validThrough")
NODE_PROPERTIES = MappingProxyType(
    {
        "PostalAddress": ADDRESS | _names(_THING),
        "GeoCoordinates": GEO | _names(_THING),
        "OpeningHoursSpecification": HOURS | _names(_THING),
    }
)
DAYS = _names("Monday Tuesday Wednesday Thursday Friday Saturday Sunday PublicHolidays")

# What search engines ask of a local business beyond the vocabulary:
# developers.google.com/search/docs/appearance/structured-data/local-business
REQUIRED = ("name", "address")
RECOMMENDED = MappingProxyType(
    {
        "telephone": ("telephone",),
        "url": ("url",),
        "geo": ("geo", "latitude"),
        "openingHours": ("openingHours", "openingHoursSpecification"),
        "image": ("image", "photo"),
        "priceRange": ("priceRange",),
    }
)
ADDRESS_REQUIRED = ("streetAddress", "addressLocality")
ADDRESS_RECOMMENDED = ("addressRegion", "postalCode", "addressCountry")


def is_foreign(name: str) -> bool:
    """Whether a name belongs to JSON-LD itself or to another vocabulary: nothing to judge here."""
    return name.startswith("@") or ":" in name


@lru_cache(maxsize=4096)
def nearest(name: str, known: frozenset[str]) -> str | None:
    """The known name that `name` most likely means. Cheap for long and strange names: only similar lengths compare."""
    by_lower = {item.lower(): item for item in known if abs(len(item) - len(name)) <= 3}
    matches = get_close_matches(name.lower(), sorted(by_lower), n=1, cutoff=0.8)
    return by_lower[matches[0]] if matches else None
