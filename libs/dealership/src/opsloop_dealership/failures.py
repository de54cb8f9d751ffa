"""Every failure this pack foresees, by task: its class and the sentence the user reads.

A sentence says what failed, where, and what to do. `{step}` stays in it: whoever runs the task fills it in.
"""

from types import MappingProxyType

from opsloop_common.task import TaskFailed

SENTENCES = MappingProxyType(
    {
        "setting_missing": (
            "Schema fix is not set up at {step}: the setting {key} of {site} is missing. "
            "Set {key} in the catalogue, then retry."
        ),
        "setting_malformed": (
            "Schema fix is not set up at {step}: the setting {key} of {site} {reason}. "
            "Correct {key} in the catalogue, then retry."
        ),
        "site_unreachable": (
            "Site unreachable at {step}: {site} could not be reached ({reason}). "
            "Check the address in the catalogue and that the site is up, then retry."
        ),
        "site_timeout": (
            "Schema validation timeout at {step}: {site} did not answer within {seconds} s. "
            "Check that the site is up, then retry."
        ),
        "site_error_status": (
            "Page not served at {step}: {site} answered {status} instead of the page. "
            "Check the site's own error log, then retry."
        ),
        "site_not_found": (
            "Page not found at {step}: {site} answered {status}. "
            "Correct the setting page_url in the catalogue or publish the page, then retry."
        ),
        "site_login": (
            "Page not public at {step}: {site} {reason}. "
            "Make the page public or correct the setting page_url in the catalogue, then retry."
        ),
        "too_many_redirects": (
            "Page not served at {step}: {site} redirected more than {limit} times. "
            "Correct the site's redirects or the setting page_url in the catalogue, then retry."
        ),
        "page_not_html": (
            "No web page at {step}: {site} answered with {content_type} instead of HTML. "
            "Correct the setting page_url in the catalogue, then retry."
        ),
        "page_too_large": (
            "Page too large at {step}: {site} sent more than {limit}. "
            "Make the page smaller or correct the setting page_url in the catalogue, then retry."
        ),
        "document_too_large": (
            "Schema too large at {step}: the JSON-LD of the dealer on {site} takes {size}, more than {limit}. "
            "Move reviews and inventory out of it, then retry."
        ),
        "profile_incomplete": (
            "No valid schema can be built at {step}: for {site}, {reason}. "
            "Set profile.{key} of the target in the catalogue, then retry."
        ),
        "content_unauthorized": (
            "Injection not permitted at {step}: {site} answered {status} to the content token. "
            "Renew the secret content_token of the target, then retry."
        ),
        "content_refused": (
            "Injection refused at {step}: {site} answered {status} to the corrected schema. "
            "Check the setting content_url in the catalogue and the site's own error log, then retry."
        ),
        "page_changed": (
            "Page changed at {step}: somebody changed {site} after it was read, so nothing was overwritten. "
            "Retry to start from the page as it is now."
        ),
        "not_proven": (
            "Injection not proven at {step}: the site accepted the corrected schema, but {site} does not show it. "
            "Clear the site's cache or correct the setting content_url in the catalogue, then retry."
        ),
    }
)

UGC_SENTENCES = MappingProxyType(
    {
        "reviews_not_set_up": (
            "UGC audit is not set up at {step}: {site} names no source of reviews. "
            "Set reviews_url or reviews_page_url in the catalogue, then retry."
        ),
        "reviews_setting_malformed": (
            "UGC audit is not set up at {step}: the setting {key} of {site} {reason}. "
            "Correct {key} in the catalogue, then retry."
        ),
        "reviews_unreachable": (
            "Reviews unreachable at {step}: {site} could not be reached ({reason}). "
            "Check the address in the catalogue and that the source is up, then retry."
        ),
        "reviews_timeout": (
            "Reviews timeout at {step}: {site} {reason}. "
            "Check that the source is up or raise timeout_seconds in the catalogue, then retry."
        ),
        "reviews_error_status": (
            "Reviews not served at {step}: {site} {reason}. Check the source's own error log, then retry."
        ),
        "reviews_not_found": (
            "Reviews not found at {step}: {site} {reason}. Correct the setting {key} in the catalogue, then retry."
        ),
        "reviews_not_public": (
            "Reviews not public at {step}: {site} {reason}. "
            "Make the source public or correct the setting {key} in the catalogue, then retry."
        ),
        "reviews_unreadable": (
            "Reviews unreadable at {step}: {site} {reason}. Correct the setting {key} in the catalogue, then retry."
        ),
    }
)

RESTORE_SENTENCES = MappingProxyType(
    {
        "no_record": (
            "Nothing to restore at {step}: no schema fix succeeded for {site} in the last seven days. "
            "Correct the page in the site itself."
        ),
        "nothing_before": (
            "Nothing to restore at {step}: before the fix {site} described no dealer, and a site takes content but not "
            "its removal. Remove the JSON-LD in the site itself."
        ),
        "changed_meanwhile": (
            "Page changed at {step}: {site} shows neither what the fix found nor what it wrote, so somebody changed it "
            "since, and nothing was overwritten. Correct the page in the site itself, or run the fix again."
        ),
    }
)


_ALL = SENTENCES | UGC_SENTENCES | RESTORE_SENTENCES


def failure(code: str, **fields: object) -> TaskFailed:
    """The failure of class `code`. Braces in `fields` are removed, so that outside text is never taken for `{step}`."""
    told = {name: str(value).translate({ord("{"): None, ord("}"): None}) for name, value in fields.items()}
    return TaskFailed(code, _ALL[code].format(step="{step}", **told))
