"""What decoding learns of the catalogue."""

from opsloop_common import catalogue
from opsloop_ingress.rules import Rules

CATALOGUE = catalogue.parse(
    """
[targets.naples-honda]
title = "Naples Honda"
[tasks.schema_fix]
title = "Run Schema Fix"
[tasks.ugc_audit]
title = "Run UGC Audit"
[tasks.ugc_audit.params.days]
title = "Days"
[metrics.arr_gain]
title = "ARR"
unit = "usd"
query = "x{dealer=$target}"
word = "arr"
[metrics.precision]
title = "Precision"
unit = "ratio"
query = "y{dealer=$target}"
""",
    "test",
)


def test_rules_know_the_catalogue() -> None:
    """Which tasks have a form, on which targets, and which words are metrics; what was known stays."""
    rules = Rules(button_secrets=("s",), teams=frozenset({"T1"})).knowing(CATALOGUE)
    assert rules.forms == {"ugc_audit"}
    assert rules.targets == {"naples-honda"}
    assert rules.metric_words == {"arr": "arr_gain"}
    assert (rules.button_secrets, rules.teams) == (("s",), frozenset({"T1"}))
