"""ID tokens: who signed in, as far as every check holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from pydantic import ConfigDict, ValidationError

from rblxcloud.errors import IDTokenError, InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.oauth2.keys import SigningKeys
from rblxcloud.resources.base import Model, Timestamp, check_id
from rblxcloud.resources.user import User

ALGORITHM = "ES256"
LEEWAY_SECONDS = 30
"""How far Roblox's clock and ours may be apart."""


class Profile(Model):
    """What an ID token, or the answer to userinfo, says of a user."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=None)

    sub: str
    name: str | None = None
    nickname: str | None = None
    preferred_username: str | None = None
    created_at: Timestamp | None = None
    profile: str | None = None
    picture: str | None = None

    def user(self, binding: Binding) -> User:
        """Return the user.

        Args:
            binding: Where the user's session comes from.

        Raises:
            InvalidRequestError: `sub` is not the id of one.
        """
        return User.bound(
            binding,
            id=check_id("sub", self.sub),
            username=self.preferred_username,
            display_name=self.nickname or self.name,
            created_at=self.created_at,
            profile_uri=self.profile,
            headshot_uri=self.picture,
        )


async def verified_user(
    text: str,
    keys: SigningKeys,
    *,
    issuer: str,
    client_id: str,
    nonce: str | None,
    now: float,
    binding: Binding,
) -> User:
    """Return the user that an ID token speaks of.

    Args:
        text: The ID token.
        keys: Roblox's signing keys.
        issuer: Who must have made it.
        client_id: For whom it must have been made.
        nonce: What was sent with the authorization request; None when nothing was.
        now: Seconds since 1970 UTC.
        binding: Where the user's session comes from.

    Raises:
        IDTokenError: A check failed.
    """
    claims = _signed_claims(text, await keys.find(_key_id(text)))
    _check_claims(claims, issuer=issuer, client_id=client_id, nonce=nonce, now=now)
    try:
        return Profile.model_validate(claims).user(binding)
    except ValidationError as error:
        raise IDTokenError(str(error.errors()[0]["loc"][0]), "the claim is of a wrong type") from None
    except InvalidRequestError as error:
        raise IDTokenError("sub", "the claim is not the id of a user") from error


def _key_id(text: str) -> str:
    """Return which key signed it. Until that is verified, the header is trusted with nothing else."""
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        header: Mapping[str, Any] = jws.extract_compact(text.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise IDTokenError("format", "it is no signed token") from error
    if header.get("alg") != ALGORITHM:
        raise IDTokenError("alg", f"it is not signed with {ALGORITHM}")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise IDTokenError("kid", "it does not say which key signed it")
    return kid


def _signed_claims(text: str, key: Any) -> dict[str, Any]:
    from joserfc import jwt
    from joserfc.errors import BadSignatureError, JoseError

    try:
        return jwt.decode(text, key, algorithms=[ALGORITHM]).claims
    except BadSignatureError as error:
        raise IDTokenError("signature", "the signature is not Roblox's") from error
    except (JoseError, ValueError, TypeError) as error:
        raise IDTokenError("format", "it cannot be read") from error


def _check_claims(claims: dict[str, Any], *, issuer: str, client_id: str, nonce: str | None, now: float) -> None:
    from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError
    from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

    needed: dict[str, ClaimsOption] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
    }
    try:
        JWTClaimsRegistry(now=int(now), leeway=LEEWAY_SECONDS, **needed).validate(claims)
    except MissingClaimError as error:
        raise IDTokenError(error.claim.split(",")[0], "the claim is missing") from error
    except ExpiredTokenError as error:
        raise IDTokenError("exp", "it has expired") from error
    except ClaimError as error:
        raise IDTokenError(error.claim, _PROBLEMS.get(error.claim, "the claim is bad")) from error
    # joserfc takes a list for any of the texts in it; of these there is one.
    if claims["iss"] != issuer:
        raise IDTokenError("iss", _PROBLEMS["iss"])
    if nonce is not None and claims.get("nonce") != nonce:
        raise IDTokenError("nonce", "it was not made for this sign-in")
    if "azp" in claims and claims["azp"] != client_id:
        raise IDTokenError("azp", "it was given to another application")
    if isinstance(claims["aud"], list) and claims["aud"] != [client_id] and "azp" not in claims:
        raise IDTokenError("aud", "it was made for others too, and does not say that it was given to this application")


_PROBLEMS = {
    "iss": "it was not made by this issuer",
    "aud": "it was not made for this application",
    "iat": "it was made in the future",
    "nbf": "it is not valid yet",
    "sub": "it does not say who signed in",
}


def claimed_subject(text: str) -> str | None:
    """Return whom an ID token speaks of, without verifying it; None when it cannot be read.

    For comparing alone: the answer to a refresh came from Roblox over TLS, and nothing is taken from its ID token.
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        payload = jws.extract_compact(text.encode()).payload
        claims = cast("object", json.loads(payload or b""))
    except (JoseError, ValueError, TypeError):
        return None
    subject = cast("dict[str, object]", claims).get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None
