"""Generated requests to what the official document lacks: the emulator answers as the facts say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rblxcloud.emulator import Emulator
from rblxcloud.emulator.server import serve
from rblxcloud.endpoints import api_keys, oauth
from tests.emulator.oauth_app import CHALLENGE, CLIENT_ID, EVERYTHING, REDIRECT, SECRET, VERIFIER, App
from tests.oracle.added import DOCUMENT, PATHS

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]
EXAMPLES = 60
SEEDED = "seeded-"
"""How a value begins that stands for one which a fresh emulator has just issued."""

NARROWED: dict[str, tuple[str, ...]] = {
    "client_id": (CLIENT_ID, "5"),
    "client_secret": (SECRET, "wrong"),
    "code": (f"{SEEDED}code", "wrong"),
    "code_verifier": (VERIFIER, "w" * 43),
    "refresh_token": (f"{SEEDED}refresh_token", f"{SEEDED}access_token", "wrong"),
    "token": (f"{SEEDED}access_token", f"{SEEDED}refresh_token", f"{SEEDED}id_token", "wrong"),
    "redirect_uri": (REDIRECT, "https://evil.example/"),
    "scope": (EVERYTHING, "openid", "profile", "nonsense"),
    "response_type": ("code", "none", "Code", "token"),
    "prompt": ("none", "login", "consent select_account", "maybe"),
    "code_challenge": (CHALLENGE, "short"),
    "code_challenge_method": ("S256", "plain"),
    "apiKey": ("emulator-key", "wrong"),
}


def narrowed(part: Any, name: str = "") -> Any:
    """Return a part of the document whose texts have few values, some of which lead somewhere."""
    if isinstance(part, list):
        return [narrowed(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") == "string" and name in NARROWED and "enum" not in part:
        return {"type": "string", "enum": list(NARROWED[name])}
    if "in" in part and "schema" in part:
        return {**part, "schema": narrowed(part["schema"], part["name"])}
    return {key: value if key == "responses" else narrowed(value, key) for key, value in part.items()}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    with Emulator(limits=False) as emulator, serve(emulator) as base_url:
        yield emulator, base_url


def issued(emulator: Emulator) -> dict[str, str]:
    """What the provider has issued, by the names that stand for it."""
    app = App(emulator)
    uri = app.uri(code_challenge=CHALLENGE, code_challenge_method="S256")
    return {f"{SEEDED}code": app.code(uri), **{f"{SEEDED}{name}": text for name, text in app.sign_in().items()}}


def answers(operation: Any, emulator: Emulator, base_url: str) -> tuple[set[str], set[int]]:
    """Send generated requests of an operation; return what is wrong with the answers, and their statuses."""
    wrong: set[str] = set()
    statuses: set[int] = set()

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(), signed_in=hypothesis.strategies.booleans())
    def send(case: Any, signed_in: bool) -> None:
        emulator.reset()
        values = issued(emulator)
        if isinstance(case.body, dict):
            case.body = {name: values.get(value, value) for name, value in case.body.items()}
        token = values[f"{SEEDED}access_token"] if signed_in else "wrong"
        headers = {"authorization": f"Bearer {token}"} if operation.path.endswith("/userinfo") else {}
        case.headers = headers
        response = case.call(base_url=base_url, allow_redirects=False)
        statuses.add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            wrong.update(f"{operation.label}: {failure}" for failure in group.exceptions)

    send()
    return wrong, statuses


REACHED = {
    "/oauth/.well-known/openid-configuration": {200},
    "/oauth/v1/certs": {200},
    "/oauth/v1/authorize": {200, 302, 400},
    "/oauth/v1/token": {200, 400, 401},
    "/oauth/v1/token/introspect": {200, 400, 401},
    "/oauth/v1/token/resources": {200, 400, 401},
    "/oauth/v1/token/revoke": {200, 400, 401},
    "/oauth/v1/userinfo": {200, 401},
    "/api-keys/v1/introspect": {200, 401},
}


def test_answers_are_those_of_the_facts(served: tuple[Emulator, str]) -> None:
    schema = schemathesis.openapi.from_dict({**DOCUMENT, "paths": narrowed(PATHS)})
    reached: dict[str, set[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        wrong, reached[operation.path] = answers(operation, *served)
        assert wrong == set()
    assert reached == REACHED


def test_every_added_row_is_described() -> None:
    rows = {(endpoint.path, endpoint.method.lower()) for endpoint in (*oauth.ENDPOINTS, *api_keys.ENDPOINTS)}
    assert rows == {(path, method) for path, item in PATHS.items() for method in item}
