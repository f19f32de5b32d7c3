"""The client: one session, and the doors to the resources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar

from pydantic import SecretStr

from rblxcloud.config import (
    DEFAULT_MAX_RESPONSE_BYTES,
    Options,
    RateLimits,
    RetryPolicy,
    also_unmade,
    check_seconds,
    resolve_base_url,
    resolve_rate_limits,
)
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.auth import resolve_credential
from rblxcloud.http.binding import Mode, make_runtime
from rblxcloud.http.hooks import RequestHook, ResponseHook
from rblxcloud.http.rate_limit import RateLimiter, shared_limiter
from rblxcloud.http.request import Call, QueryValue
from rblxcloud.http.routes import match
from rblxcloud.http.session import Session, SessionSettings
from rblxcloud.operation import Operation
from rblxcloud.pagination import Pager
from rblxcloud.resources.api_key import API_KEY_INFO, ApiKeyInfo
from rblxcloud.resources.arguments import check_headers, check_json, check_query, check_switch, check_whole, shown
from rblxcloud.resources.asset import Asset
from rblxcloud.resources.asset_permissions import AssetAction, PermissionGrants, check_subject, grant
from rblxcloud.resources.base import Resource, check_id
from rblxcloud.resources.creator_store import CreatorStore
from rblxcloud.resources.experience import Experience
from rblxcloud.resources.group import Group
from rblxcloud.resources.group_members import GroupMember, list_members_of_all_groups
from rblxcloud.resources.luau_task import LuauTask, resume_task
from rblxcloud.resources.resuming import resume_by_path
from rblxcloud.resources.scope_check import Planned, ScopeReport, judge, plan
from rblxcloud.resources.user import User
from rblxcloud.runtime.base import Runtime
from rblxcloud.types import JSON, UNSET, AsyncHTTPClient, Response, Unset

ResourceT = TypeVar("ResourceT", bound=Resource | Operation[Any])
HookT = TypeVar("HookT")

_MOST = 2**63 - 1
_OWNER = re.compile(r"(users|groups)/[1-9]\d{0,18}", re.ASCII)


class Client:
    """A client of Roblox Open Cloud: one credential, one set of connections and limits for all resources.

    Use it as a context manager, or call `aclose()`. One client serves any number of tasks of one event loop.
    """

    _mode: Mode = "async"

    def __init__(
        self,
        api_key: str | SecretStr | None = None,
        *,
        access_token: str | SecretStr | None = None,
        base_url: str | None = None,
        timeout: float = 30.0,
        deadline: float | None = None,
        retries: int | RetryPolicy = 5,
        headers: Mapping[str, str] | None = None,
        rate_limits: RateLimits | None = None,
        players: int = 0,
        owner: str | None = None,
        repeat_writes: bool = False,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        on_request: Sequence[RequestHook] = (),
        on_response: Sequence[ResponseHook] = (),
        http_client: AsyncHTTPClient | None = None,
    ) -> None:
        """Make a client; nothing is sent or opened before the first call.

        | argument | default | what it is |
        | --- | --- | --- |
        | `api_key` | `RBLXCLOUD_API_KEY` | Open Cloud API key |
        | `base_url` | `RBLXCLOUD_BASE_URL`, else Roblox's own | https, or http to this machine |
        | `timeout` | 30 s (connecting: 10 s at most) | each phase of an attempt |
        | `deadline` | none | a whole call: attempts, waits, reading |
        | `retries` | 5, full jitter from 0.5 s to 20 s | how often a call is sent again where that is safe |
        | `rate_limits` | `RBLXCLOUD_RATE_LIMITS`, else `published` | which limits are obeyed before a 429 |
        | `players` | 0 | raises the data store budgets |
        | `repeat_writes` | False | whether lost replacements and removals are repeated |
        | `max_response_bytes` | 64 MiB | largest answer that is read |
        | connections | 50, kept for 30 s | not an argument; `http_client` brings its own |

        Args:
            api_key: Open Cloud API key.
            access_token: OAuth 2.0 access token, instead of a key.
            base_url: Address of Open Cloud: scheme, host and port.
            timeout: Seconds for each phase of an attempt.
            deadline: Seconds for a whole call; None for no bound.
            retries: How often a call is sent again at most, or a whole policy.
            headers: Headers for each request; they cannot replace the credential.
            rate_limits: `published`, `server` (what Roblox's headers and 429 say) or `off`.
            players: How many players the experience has at least: its data store budgets grow with them.
            owner: `users/1` or `groups/1` that the key belongs to: all keys of an owner share their limits.
            repeat_writes: Say True when nobody else writes the same keys: then a replacement or a removal whose answer
                was lost is sent again.
            max_response_bytes: Largest answer that is read, in bytes after decompression.
            on_request: Called with a `RequestEvent` before each attempt.
            on_response: Called with a `ResponseEvent` after each attempt.
            http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient` whose connections are used. It is not closed,
                and its cookies, auth and default headers are not sent.

        Raises:
            ConfigurationError: No credential or two, an address that is refused, an `http_client` of the wrong kind.
            InvalidRequestError: An argument of a wrong type or out of range.
        """
        options = Options(
            timeout=check_seconds("timeout", timeout),
            deadline=None if deadline is None else check_seconds("deadline", deadline),
            retry=_policy(retries),
            headers=check_headers(headers),
            rate_limits=resolve_rate_limits(rate_limits),
            repeat_writes=check_switch("repeat_writes", repeat_writes),
        )
        settings = SessionSettings(
            credential=resolve_credential(api_key, access_token),
            base_url=resolve_base_url(base_url),
            options=options,
            players=check_whole("players", players, _MOST, smallest=0),
            owner=_owner(owner),
            max_response_bytes=check_whole("max_response_bytes", max_response_bytes, _MOST, smallest=0),
            on_request=_hooks("on_request", on_request),
            on_response=_hooks("on_response", on_response),
        )
        runtime = make_runtime(self._mode, http_client)
        self._session = Session(runtime, settings, shared_limiter(), holds_connections=http_client is None)

    @classmethod
    def _on_runtime(cls, runtime: Runtime, settings: SessionSettings) -> Self:
        """Make a client over a runtime with limits of its own: for tests, where a clock may stand still."""
        client = cls.__new__(cls)
        client._session = Session(runtime, settings, RateLimiter())
        return client

    @also_unmade
    def __repr__(self) -> str:
        """Show the address only."""
        return f"<{type(self).__name__} {self._session.settings.base_url}>"

    def experience(self, id: int) -> Experience:
        """Return an experience; nothing is sent.

        Args:
            id: The universe id.

        Raises:
            InvalidRequestError: The id is not one.
        """
        return Experience.bound(self._session, id=check_id("id", id))

    def user(self, id: int) -> User:
        """Return a user; nothing is sent.

        Args:
            id: The user id.

        Raises:
            InvalidRequestError: The id is not one.
        """
        return User.bound(self._session, id=check_id("id", id))

    def group(self, id: int) -> Group:
        """Return a group; nothing is sent.

        Args:
            id: The group id.

        Raises:
            InvalidRequestError: The id is not one.
        """
        return Group.bound(self._session, id=check_id("id", id))

    def group_memberships(
        self, user_ids: Iterable[int], *, limit: int | None = None, page_size: int = 100
    ) -> Pager[GroupMember]:
        """List the memberships of users in whatever groups.

        Args:
            user_ids: Ids of 1 to 50 users.
            limit: Most memberships in all.
            page_size: Most memberships a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.

        Scopes: none.
        Source: `GET /cloud/v2/groups/-/memberships`.
        """
        return list_members_of_all_groups(self._session, user_ids, limit=limit, page_size=page_size)

    def asset(self, id: int) -> Asset:
        """Return an asset; nothing is sent.

        Args:
            id: The asset id.

        Raises:
            InvalidRequestError: The id is not one.
        """
        return Asset.bound(self._session, id=check_id("id", id))

    @property
    def creator_store(self) -> CreatorStore:
        """The Creator Store: for what price assets are distributed to other creators."""
        return CreatorStore(self._session)

    async def introspect_api_key(self) -> ApiKeyInfo:
        """Ask Roblox what this client's API key is, and what it may do.

        Returns:
            Its name, its owner, whether it is enabled and when it expires, and its scopes with what each is for.

        Raises:
            AuthenticationError: Roblox does not know the key, or does not take it from this address.
            UnsupportedCredentialError: The client has an access token; `AccessToken.fetch_token_info` asks about one.

        Scopes: none.
        Source: `POST /api-keys/v1/introspect`.
        """
        return await self._session.request(await self._session.introspection(), API_KEY_INFO)

    async def check_scopes(self, *calls: Planned, experience: int | None = None) -> ScopeReport:
        """Find out which calls this client's API key may make, before the first of them is made.

        ```python
        report = await client.check_scopes(store.get, store.set, experience.publish_message)
        report.raise_if_missing()
        ```

        Args:
            *calls: What the program means to call: methods, of an object (`store.get`, which says for which experience
                and data store) or of a class (`DataStore.get`); names of endpoints, as errors and hooks tell them; or
                HTTP method and path, `("GET", "/cloud/v2/universes/1")`.
            experience: Id of the experience that they are about, where they do not say it.

        Returns:
            What the key lacks for each call; as text, a table.

        Raises:
            InvalidRequestError: One of the calls is none of Open Cloud's; nothing was sent.
            AuthenticationError: Roblox does not know the key, or does not take it from this address.
            UnsupportedCredentialError: The client has an access token.

        Scopes: none.
        Source: `POST /api-keys/v1/introspect`.
        """
        planned = plan(calls, experience)
        return judge(await self.introspect_api_key(), planned)

    async def grant_asset_permissions(
        self,
        asset_ids: Iterable[int],
        action: AssetAction,
        *,
        user: int | None = None,
        group: int | None = None,
        role: int | None = None,
        experience: int | None = None,
        everyone: bool = False,
        dependencies: bool = False,
    ) -> PermissionGrants:
        """Let somebody use assets, all those of them on which that can be granted.

        Args:
            asset_ids: Ids of the assets.
            action: `Use`, or `Edit` (of models), `Download`, `CopyFromRcc` and `UpdateFromRcc` (of places).
            user: Id of the user who may.
            group: Id of the group whose members may.
            role: Id of the role of a group whose members may.
            experience: Id of the experience that may.
            everyone: Whether everybody may.
            dependencies: Whether they may use what the assets are made of too.

        Returns:
            On which assets it was granted, and on which not.

        Raises:
            InvalidRequestError: It is not exactly one of user, group, role, experience and everyone; nothing was sent.

        Scopes: `asset-permissions:write`.
        Source: `PATCH /asset-permissions-api/v1/assets/permissions`.
        """
        subject = check_subject(user=user, group=group, role=role, experience=experience, everyone=everyone)
        return await grant(self._session, asset_ids, action, subject, dependencies=dependencies)

    def operation(self, path: str) -> Operation[Any]:
        """Return a long-running operation that was started earlier, here or in another process; nothing is sent.

        Args:
            path: Its `path`, or that of an error that it raised.

        Returns:
            The operation: `await operation.wait()` waits on.

        Raises:
            InvalidRequestError: The path is not that of an operation whose result is known.
        """
        return resume_by_path(self._session, path)

    def luau_task(self, path: str) -> LuauTask:
        """Return a script's task that was started earlier, here or in another process; nothing is sent.

        Args:
            path: Its `path`, or that of an error that it raised.

        Returns:
            The task: `await task.wait()` waits on, for 24 hours after the script has ended.

        Raises:
            InvalidRequestError: The path is not that of a task.
        """
        return resume_task(self._session, path)

    def bind(self, resource: ResourceT) -> ResourceT:
        """Give a resource or an operation that was unpickled or copied this client's session.

        Args:
            resource: A resource such as an experience or an asset, or an operation.

        Returns:
            The same resource.

        Raises:
            InvalidRequestError: It is something else.
        """
        if not isinstance(resource, Resource | Operation):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("resource", f"{shown(resource)} is neither a resource nor an operation")
        resource._binding = self._session  # pyright: ignore[reportPrivateUsage]
        return resource

    def with_options(
        self,
        *,
        timeout: float | Unset = UNSET,
        deadline: float | Unset | None = UNSET,
        retries: int | RetryPolicy | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        rate_limits: RateLimits | Unset = UNSET,
        repeat_writes: bool | Unset = UNSET,
    ) -> Self:
        """Return a light copy with other options; it shares the connections, and closing it closes nothing.

        Args:
            timeout: As in the constructor.
            deadline: As in the constructor.
            retries: As in the constructor.
            headers: Headers added to those this client has.
            rate_limits: As in the constructor.
            repeat_writes: As in the constructor.

        Returns:
            The copy.

        Raises:
            InvalidRequestError: A value of a wrong type or out of range.
        """
        options = self._session.settings.options
        changes: dict[str, Any] = {}
        if not isinstance(timeout, Unset):
            changes["timeout"] = check_seconds("timeout", timeout)
        if not isinstance(deadline, Unset):
            changes["deadline"] = None if deadline is None else check_seconds("deadline", deadline)
        if not isinstance(retries, Unset):
            changes["retry"] = _policy(retries)
        if not isinstance(headers, Unset):
            changes["headers"] = {**options.headers, **check_headers(headers)}
        if not isinstance(rate_limits, Unset):
            changes["rate_limits"] = resolve_rate_limits(rate_limits)
        if not isinstance(repeat_writes, Unset):
            changes["repeat_writes"] = check_switch("repeat_writes", repeat_writes)
        copy = type(self).__new__(type(self))
        copy._session = self._session.with_options(replace(options, **changes))
        return copy

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        json: JSON | Unset = UNSET,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Call any endpoint of Open Cloud, with the credential, limits, retries and errors of this client.

        Args:
            method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
            path: The path as it goes over the wire, percent-encoded, without query: `/cloud/v2/universes/1`.
            query: Query parameters; None values are left out, tuples of text travel under a repeated name.
            json: Body that is sent as JSON.
            content: Body that is sent as it is, instead of `json`.
            headers: Further headers.

        Returns:
            The answer, whatever its body.

        Raises:
            InvalidRequestError: A method that Open Cloud does not use, a path that does not begin with `/`, a body that
                is not JSON, two bodies, or an argument of another type.
            RblxCloudError: As for any other call.
        """
        if content is not None and not isinstance(json, Unset):
            raise InvalidRequestError("content", "cannot be combined with json")
        if content is not None and not isinstance(content, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("content", f"is of type {type(content).__name__}; it takes bytes")
        body = content if isinstance(json, Unset) else check_json("json", json)
        endpoint, values = match(method, path)
        return await self._session.send(Call(endpoint, values, check_query(query), check_headers(headers), body))

    async def aclose(self) -> None:
        """Close the connections; idempotent. A user's own `http_client` stays open."""
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connections."""
        await self.aclose()


def _policy(retries: object) -> RetryPolicy:
    return retries if isinstance(retries, RetryPolicy) else RetryPolicy(retries=retries)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def _owner(owner: object) -> str | None:
    if owner is not None and (not isinstance(owner, str) or not _OWNER.fullmatch(owner)):
        raise InvalidRequestError("owner", f"{shown(owner)} is not the path of a user or a group, as users/1")
    return owner


def _hooks(argument: str, hooks: Sequence[HookT]) -> tuple[HookT, ...]:
    if not isinstance(hooks, Sequence) or not all(map(callable, hooks)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequestError(argument, f"is of type {type(hooks).__name__}; it takes a list of functions")
    return tuple(hooks)
