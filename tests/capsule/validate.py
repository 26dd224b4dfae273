"""Validate crates with roc-validator, without a network.  Run by its own interpreter: it wants older packages.

    python validate.py CONTEXT CACHE CRATE [CRATE...]

CONTEXT is the JSON-LD context of the rocrate wheel; it stands in the validator's own cache for the one at w3id.org.
Prints a line of JSON for each crate.
"""

import io
import json
import sys
from pathlib import Path

import requests
from requests.models import Response
from requests_cache import CachedResponse, CachedSession
from rocrate_validator import services
from urllib3 import HTTPResponse

URL = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "process-run-crate-0.5"  # which holds all that RO-Crate 1.1 asks for, too


def main(context: str, cache: str, *crates: str) -> None:
    session = CachedSession(cache, backend="sqlite", expire_after=-1, allowable_methods=("GET",))
    request = requests.Request("GET", URL).prepare()
    headers = {"Content-Type": "application/ld+json"}
    body = Path(context).read_bytes()
    found = Response()
    found.status_code, found.url, found.request, found._content = 200, URL, request, body
    found.headers.update(headers)
    found.raw = HTTPResponse(body=io.BytesIO(body), status=200, headers=headers, request_url=URL, preload_content=False)
    session.cache.save_response(CachedResponse.from_response(found), session.cache.create_key(request))
    session.close()
    for crate in crates:
        settings = services.ValidationSettings(
            rocrate_uri=crate,
            profile_identifier=PROFILE,
            requirement_severity="REQUIRED",
            offline=True,
            cache_path=Path(cache),
        )
        result = services.validate(settings)
        told = {"valid": result.passed(), "issues": [issue.message for issue in result.get_issues()]}
        sys.stdout.write(json.dumps(told) + "\n")


main(*sys.argv[1:])
