"""Secrets of an experience: sealed on this machine with the experience's public key, before they are sent."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, SecretBytes, SecretStr, TypeAdapter

from rblxcloud.endpoints import secrets as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import BadRequestError, ConfigurationError, InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, json_call
from rblxcloud.http.response import unusable
from rblxcloud.http.session import Session
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import shown
from rblxcloud.resources.base import Model, Timestamp
from rblxcloud.resources.listing import PageModel, WirePage, list_pages
from rblxcloud.runtime.base import opening
from rblxcloud.types import UNSET, Unset

if TYPE_CHECKING:
    from nacl.public import PublicKey, SealedBox

LONGEST_SECRET = 1024
"""Characters of a text, bytes of bytes."""
_LARGEST_PAGE = 500
_LONGEST_DOMAIN = 253
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"\*|(\*\.)?{_LABEL}(\.{_LABEL})*", re.ASCII)


def _none_if_empty(text: str | None) -> str | None:
    return text or None


class Secret(Model):
    """What Roblox tells of a secret: never its value."""

    id: str
    """Its name."""
    domain: Annotated[str | None, AfterValidator(_none_if_empty)] = None
    """Where the experience's servers may send it, such as `api.example.com`; None for nowhere."""
    key_id: str | None = Field(default=None, alias="key_id")
    """Id of the public key that it was sealed with."""
    created: Timestamp | None = Field(default=None, alias="create_time")
    """When it was made."""
    updated: Timestamp | None = Field(default=None, alias="update_time")
    """When it was last changed."""


class _Secrets(PageModel):
    items: tuple[Secret, ...] = Field(default=(), alias="secrets")
    next_page_token: str | None = Field(default=None, alias="nextPageCursor")


class _WireKey(BaseModel):
    """The public key, which comes in the clothes of a secret."""

    secret: str
    key_id: str


_SECRET = TypeAdapter(Secret)
_SECRETS: TypeAdapter[WirePage[Secret]] = TypeAdapter(_Secrets)
_WIRE_KEY = TypeAdapter(_WireKey)


@dataclass(frozen=True, slots=True)
class _PublicKey:
    """The key of one experience: what it seals, Roblox alone can read."""

    id: str
    box: SealedBox[PublicKey]

    def seal(self, value: SecretBytes) -> str:
        return b64encode(self.box.encrypt(value.get_secret_value())).decode()


class Secrets:
    """The secrets of an experience; got as its `secrets`. They need `pip install 'rblxcloud[secrets]'`.

    A value is sealed on this machine, with the public key of the experience: nobody on the way can read it, and nobody
    can read it back from Roblox. Only the experience's servers can use it, through `HttpService:GetSecret`.
    """

    def __init__(self, binding: Binding, universe_id: int) -> None:
        self._binding = binding
        self._universe_id = universe_id

    def __repr__(self) -> str:
        """Show whose they are."""
        return f"<Secrets of experience {self._universe_id}>"

    def list(self, *, limit: int | None = None, page_size: int = 100) -> Pager[Secret]:
        """List the secrets, without their values.

        Args:
            limit: Most secrets in all.
            page_size: Most secrets a request, 1 to 500.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `universe.secret:read`.
        Source: `GET /cloud/v2/universes/{universeId}/secrets`.
        """
        return list_pages(
            self._binding,
            api.LIST_SECRETS,
            _SECRETS,
            {"universeId": self._universe_id},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
        )

    async def create(
        self, id: str, value: SecretStr | SecretBytes | str | bytes, *, domain: str | None = None
    ) -> Secret:
        """Make a secret; an experience has 500 at most.

        Args:
            id: Its name: 1 to 64 letters, digits and underscores, no digit first.
            value: What to keep secret: text of 1 to 1,024 characters, or as many bytes. What comes in a `SecretStr` or
                `SecretBytes` is shown nowhere.
            domain: Where the experience's servers may send it: `api.example.com`, `*.example.com`, or `*` for
                everywhere. None for nowhere: a private key, which signs and is not sent itself.

        Returns:
            What Roblox tells of the secret.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            ConfigurationError: The extra is not installed; nothing was sent.
            ConflictError: There is a secret of that name.

        Scopes: `universe.secret:write`, and `universe.secret:read` for the public key.
        Source: `POST /cloud/v2/universes/{universeId}/secrets`,
        `GET /cloud/v2/universes/{universeId}/secrets/public-key`.
        """
        hidden = _hide(value)
        del value
        fields = {"id": _check_id(id), "domain": _check_domain(domain)}
        endpoint = api.CREATE_SECRET
        return await self._write(endpoint, {"universeId": self._universe_id}, fields, _check_value(hidden))

    async def update(
        self,
        id: str,
        *,
        value: SecretStr | SecretBytes | str | bytes | Unset = UNSET,
        domain: str | Unset | None = UNSET,
    ) -> Secret:
        """Change what is passed, and leave the rest.

        Args:
            id: Name of the secret.
            value: The new value, as `create` takes it.
            domain: Where it may be sent, as `create` takes it; None for nowhere.

        Returns:
            What Roblox tells of the secret now.

        Raises:
            InvalidRequestError: An argument is refused, or none was passed; nothing was sent.
            ConfigurationError: The extra is not installed; nothing was sent.
            NotFoundError: There is no such secret.

        Scopes: `universe.secret:write`, and `universe.secret:read` for the public key.
        Source: `PATCH /cloud/v2/universes/{universeId}/secrets/{secretId}`,
        `GET /cloud/v2/universes/{universeId}/secrets/public-key`.
        """
        hidden = value if isinstance(value, Unset) else _hide(value)
        del value
        path: dict[str, str | int] = {"universeId": self._universe_id, "secretId": _check_id(id)}
        fields: dict[str, Any] = {}
        if not isinstance(domain, Unset):
            # Text, since null is what a service of .NET reads where a field was left out.
            fields["domain"] = _check_domain(domain) or ""
        endpoint = api.UPDATE_SECRET
        if not isinstance(hidden, Unset):
            return await self._write(endpoint, path, fields, _check_value(hidden))
        if not fields:
            raise InvalidRequestError("update", "nothing was passed to change")
        return await self._binding.get().request(json_call(endpoint, path, fields), _SECRET)

    async def delete(self, id: str) -> None:
        """Delete a secret for good.

        Args:
            id: Name of the secret.

        Raises:
            NotFoundError: There is no such secret.

        Scopes: `universe.secret:write`.
        Source: `DELETE /cloud/v2/universes/{universeId}/secrets/{secretId}`.
        """
        path: dict[str, str | int] = {"universeId": self._universe_id, "secretId": _check_id(id)}
        endpoint = api.DELETE_SECRET
        await self._binding.get().send(Call(endpoint, path))

    async def _write(
        self, endpoint: Endpoint, path: dict[str, str | int], fields: dict[str, Any], value: SecretBytes
    ) -> Secret:
        """Seal a value and send it; once more where Roblox has changed the key since it was fetched."""
        _check_extra()
        session = self._binding.get()

        async def send(key: _PublicKey) -> Secret:
            body = {**fields, "secret": key.seal(value), "key_id": key.id}
            return await session.request(json_call(endpoint, path, body), _SECRET)

        key = await self._public_key(session)
        try:
            return await send(key)
        except BadRequestError:
            # A 400 says that nothing was stored. Whether the key was its reason, no documented text tells, but another
            # key does.
            newer = await self._public_key(session, refused=key)
            if newer.id == key.id:
                raise
        return await send(newer)

    async def _public_key(self, session: Session, *, refused: _PublicKey | None = None) -> _PublicKey:
        """Return the experience's public key: the one that is known, unless it was refused."""
        place = ("rblxcloud.secrets", self._universe_id)
        async with session.runtime.exclusive(place):
            known = session.kept.get(place)
            if isinstance(known, _PublicKey) and (refused is None or known.id != refused.id):
                return known
            key = session.kept[place] = await self._fetch_key(session)
            return key

    async def _fetch_key(self, session: Session) -> _PublicKey:
        endpoint = api.GET_PUBLIC_KEY
        wire = await session.request(Call(endpoint, {"universeId": self._universe_id}), _WIRE_KEY)
        try:
            return _PublicKey(wire.key_id, _sealed_box(b64decode(wire.secret, validate=True)))
        except ValueError:
            raise unusable(None, endpoint, "secret: is not a public key") from None


def _check_extra() -> None:
    """Refuse to go on without PyNaCl.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    try:
        with opening:  # A child forked meanwhile would find the module half loaded.
            import nacl.public  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise ConfigurationError("secrets need an extra: pip install 'rblxcloud[secrets]'") from error


def _sealed_box(key: bytes) -> SealedBox[PublicKey]:
    """Return what seals with a public key.

    Raises:
        ValueError: It is no such key.
    """
    from nacl.exceptions import CryptoError
    from nacl.public import PublicKey, SealedBox

    try:
        box = SealedBox(PublicKey(key))
        box.encrypt(b"")  # Of 32 bytes not all are a key, which shows when it is used.
    except CryptoError as error:
        raise ValueError("not a public key") from error
    return box


@dataclass(frozen=True, slots=True)
class _Useless:
    """What was passed for a value and cannot be one: its type alone, since a secret may stand in it."""

    type_name: str


_Hidden = SecretStr | SecretBytes | _Useless


def _hide(value: SecretStr | SecretBytes | str | bytes) -> _Hidden:
    """Return a value in a wrapping that shows it nowhere: tracebacks can be made to show variables."""
    if isinstance(value, SecretStr | SecretBytes):
        return value
    if isinstance(value, str):
        return SecretStr(value)
    if isinstance(value, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        return SecretBytes(value)
    return _Useless(type(value).__name__)


def _check_value(hidden: _Hidden) -> SecretBytes:
    """Return what is to be sealed; neither an error nor its frames show it."""
    encoded, problem = _encoded(hidden)
    if problem:
        raise InvalidRequestError("value", problem)
    return encoded


def _encoded(hidden: _Hidden) -> tuple[SecretBytes, str]:
    """Return a value as it is sealed, and what is wrong with it, where something is."""
    if isinstance(hidden, _Useless):
        return SecretBytes(b""), f"is of type {hidden.type_name}; it takes text or bytes"
    # A wrapping checks nothing: that of a variable which is not set holds None.
    plain = hidden.get_secret_value()
    if not isinstance(plain, str | bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        return SecretBytes(b""), f"is of type {type(plain).__name__}; it takes text or bytes"
    unit = "bytes" if isinstance(plain, bytes) else "characters"
    if not 0 < len(plain) <= LONGEST_SECRET:
        return SecretBytes(b""), f"has {len(plain)} {unit}; it takes 1 to {LONGEST_SECRET}"
    try:
        return SecretBytes(plain if isinstance(plain, bytes) else plain.encode()), ""
    except UnicodeEncodeError as error:
        return SecretBytes(b""), f"character {error.start} is a lone surrogate, not valid text"


def _check_id(id: object) -> str:
    if not isinstance(id, str) or not _ID.fullmatch(id):
        # It is not shown: who has mixed up the arguments has passed the value here.
        raise InvalidRequestError("id", "is not 1 to 64 letters (a to z), digits and underscores, with no digit first")
    return id


def _check_domain(domain: object) -> str | None:
    if domain is None or domain == "":
        return None
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain) or len(domain) > _LONGEST_DOMAIN:
        problem = "is no domain: api.example.com, *.example.com, or * for all; without scheme, port and path"
        raise InvalidRequestError("domain", f"{shown(domain)} {problem}")
    return domain
