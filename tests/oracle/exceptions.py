"""What the document says and Roblox does otherwise: every exception from the oracle's verdict, and no other place.

An exception names the fact that outranks the document. One that nothing needs fails the test that judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.oracle.oracle import Finding


@dataclass(frozen=True)
class Outranked:
    """Findings of which the document, and not the request or the answer, is to blame."""

    operation: str
    """Regular expression that the whole of method and path template fits."""
    what: str
    """Regular expression that is found in the text of the finding."""
    fact: str
    """The file of the facts and its section."""

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is explained by this."""
        return bool(re.fullmatch(self.operation, finding.operation) and re.search(self.what, finding.what))


REQUESTS: tuple[Outranked, ...] = (
    Outranked(
        r"PATCH /cloud/v2/universes/{universe_id}",
        r"^body: 'templateRootPlace' is a required property",
        "ambiguities.md section A, point 56: marked required although nothing creates a universe",
    ),
    Outranked(
        r"PATCH /cloud/v2/universes/{universe_id}/places/{place_id}",
        r"^body: 'templatePlace' is a required property",
        "ambiguities.md section A, point 56: marked required although nothing creates a place",
    ),
    Outranked(
        r"PATCH /assets/v1/assets/{assetId}",
        r"^form.request.assetId: Tried to write read-only property",
        "assets.md section 1, update: the request repeats the assetId",
    ),
    Outranked(
        r"PATCH /assets/v1/assets/{assetId}",
        r"^form.request: .*'discordSocialLink' was unexpected",
        "assets.md section 1, update: each network has a field of its own, which the document calls socialLink",
    ),
    Outranked(
        r"PATCH /assets/v1/assets/{assetId}",
        r"^form: 'fileContent' is a required property",
        "assets.md section 1, update: no file where only metadata is changed",
    ),
    Outranked(
        r"POST /assets/v1/assets/{assetId}/versions:rollback",
        r"^the content type 'application/json' is not documented",
        "ambiguities.md section A, point 47: clients send JSON",
    ),
    Outranked(
        r"PATCH /cloud/v2/universes/{universe_id}/memory-store/sorted-maps/{sorted_map_id}/items/{item_id}",
        r"^body.etag: Tried to write read-only property",
        "memorystores.md section 2, update: etag in the body is a precondition",
    ),
    Outranked(
        r"GET /cloud/v2/universes/\d+/operations/.*",
        r"^no operation of the document",
        "memorystores.md section 3: the flush answers a path that is polled as it is",
    ),
    Outranked(
        r"GET /_cdn/.*",
        r"^no operation of the document",
        "http.md section 1, hosts and paths: files are at addresses of a CDN, which for the emulator is itself",
    ),
    Outranked(
        r"PUT /_cdn/luau-inputs/.*",
        r"^no operation of the document",
        "luau.md, binary input/output, point 2: the bytes are put at the uploadUri, which for the emulator is its own",
    ),
)
"""About what the client sends."""

_V1 = r"GET /datastores/v1/universes/{universeId}/standard-datastores"
_ASSETS = "/assets/v1"
ANSWERS: tuple[Outranked, ...] = (
    Outranked(
        _V1,
        r"^200 Response violates schema: .*'datastores' was unexpected",
        "datastores.md section 3, list data stores: the array is named datastores",
    ),
    Outranked(
        rf"{_V1}/datastore/entries",
        r"^200 Response violates schema: .*Schema at /properties/keys/items",
        "datastores.md section 3, list entries: a row holds scope and key",
    ),
    Outranked(
        rf"{_V1}/datastore/entries/entry/versions",
        r"^200 Undocumented Content-Type: .*application/json.* Documented: text/json",
        "ambiguities.md section A, point 23: a page, and not the one version that would be text/json",
    ),
    Outranked(
        rf"(POST|GET|PATCH) {_ASSETS}/(assets|operations)(/{{\w+}})?",
        r"^200 Response violates schema: .*'operationId' was unexpected",
        "ambiguities.md section A, point 46: the operation has an operationId",
    ),
    Outranked(
        rf"PATCH {_ASSETS}/assets/{{assetId}}",
        r"^200 Response violates schema: .*'revisionId'.* unexpected.*Schema at /components/schemas/OCV1.Assets.Operation",
        "assets.md section 1, update: the asset itself where only metadata changed",
    ),
    Outranked(
        rf"(GET|POST) {_ASSETS}/.*",
        r'^200 Response violates schema: "\d+" is not of type "integer".*/properties/(assetId|userId)',
        "ambiguities.md section A, point 45: 64-bit ids are texts",
    ),
    Outranked(
        r"POST /universes/v1/{universeId}/places/{placeId}/versions",
        r"^200 Undocumented Content-Type: .*application/json.* Documented: text/plain",
        "ambiguities.md section A, point 54: JSON, although the document says text",
    ),
    Outranked(
        rf"GET {_ASSETS}/assets/{{assetId}}/versions",
        r'^200 Response violates schema: .*"assetVersions".* is not of type "array"',
        "ambiguities.md section A, point 47: the list is wrapped",
    ),
    Outranked(
        r"POST /cloud/v2/universes/{universe_id}/luau-execution-session-task-binary-inputs",
        r'^200 Response violates schema: "\d+" is not of type "integer".*/properties/size',
        "http.md section 6, JSON types: protobuf's JSON writes 64-bit numbers as texts, such as luau's size",
    ),
    Outranked(
        r"(POST|GET) /cloud/v2/universes/{universe_id}/memory-store(:flush|/operations/{operation_id})",
        r"^200 Response violates schema: null is not of type \"boolean\"",
        "memorystores.md section 3: done is null while the flush is under way",
    ),
    Outranked(
        r"(GET|POST) /thumbnail-personalization-api/v1/universes/{universeId}/personalization(/\w+)?",
        r"^200 Response violates schema: False schema does not allow",
        "ambiguities.md section B: an ActionResult is an empty schema, which conveys nothing of what is answered",
    ),
)
"""About what the emulator answers."""


class Ledger:
    """Keeps apart what is explained and what is not, and knows which exceptions were needed.

    Args:
        exceptions: Those that may be needed.
    """

    def __init__(self, exceptions: Iterable[Outranked]) -> None:
        self._exceptions = tuple(exceptions)
        self._needed: set[Outranked] = set()

    def unexplained(self, findings: Iterable[Finding]) -> list[str]:
        """Return what no exception covers, each once."""
        left: dict[str, None] = {}
        for finding in findings:
            covering = [exception for exception in self._exceptions if exception.covers(finding)]
            self._needed.update(covering)
            if not covering:
                left[str(finding)] = None
        return list(left)

    def unneeded(self) -> list[Outranked]:
        """Return the exceptions that covered nothing so far."""
        return [exception for exception in self._exceptions if exception not in self._needed]
