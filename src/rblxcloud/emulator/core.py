"""The emulator: one state, one lock, one transaction for each request."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast, overload

from rblxcloud.emulator import (
    access,
    api_keys,
    journal,
    messaging,
    rooms,
    universes,
)
from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.assets.controls import AssetControls
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.creator_store import CreatorStoreControls
from rblxcloud.emulator.creators import small_world
from rblxcloud.emulator.creators.controls import GroupControls, UserControls
from rblxcloud.emulator.database import connect, transaction
from rblxcloud.emulator.errors import family_of, render
from rblxcloud.emulator.faults import Faults
from rblxcloud.emulator.generative import TranslationControls
from rblxcloud.emulator.journal import Journal, LoggedRequest
from rblxcloud.emulator.limits import Limits
from rblxcloud.emulator.luau.controls import LuauControls
from rblxcloud.emulator.memory_stores.controls import MemoryStoreControls
from rblxcloud.emulator.messaging import Message
from rblxcloud.emulator.model import Call, ErrorFamily, RawRequest, Refusal, Reply, World
from rblxcloud.emulator.oauth import apps
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.provider import OAuthProvider
from rblxcloud.emulator.places.controls import PlaceControls
from rblxcloud.emulator.restrictions.controls import RestrictionControls
from rblxcloud.emulator.routing import Match
from rblxcloud.emulator.scripts import Scripts
from rblxcloud.emulator.secrets.controls import SecretControls
from rblxcloud.emulator.servers.controls import ServerControls
from rblxcloud.emulator.subscriptions import SubscriptionControls
from rblxcloud.emulator.webhooks.controls import RETRY_INTERVAL, WebhookControls
from rblxcloud.endpoints.model import Body

__all__ = ["DEFAULT_KEY", "Emulator"]

DEFAULT_KEY = "emulator-key"
"""The API key, with every scope, of an emulator that was given none."""

TAG_HEADER = "x-emulator-tag"
"""Request header whose value stands in the request log."""

CONTROL_PREFIX = "/_emulator/"

Event = TypeVar("Event")

_JSON_TYPES = ("application/json", "text/json")


class Emulator:
    """Open Cloud in a box: `handle` answers a request and does no I/O but its SQLite file.

    Threads may share it. It can be used as a context manager, which closes it.

    Args:
        database: File that holds the state; `:memory:` for none. The file may be of an earlier run.
        api_keys: The keys that work: a text is a key with every scope, a mapping says what each key may do. None for
            `emulator-key` with every scope. Keys that the database file holds already go on working.
        oauth_apps: The ids of the OAuth 2.0 applications, and the secret of each (None for a public one). None for
            `1234567890` with the secret `emulator-secret`. Those that the database file holds already stay, and
            `oauth.add_app` registers more.
        clock: The emulator's clock; None for real time.
        limits: Whether the published rate limits are enforced.
        strict_universes: Whether only the small world and what was created since exist; otherwise every universe and
            place does.
        log_size: How many entries the request log keeps at least.
        seed: Seed of the random numbers that decide on the probability of faults.
    """

    def __init__(
        self,
        *,
        database: str | Path = ":memory:",
        api_keys: Iterable[str] | Mapping[str, ApiKey] | None = None,
        oauth_apps: Mapping[str, str | None] | None = None,
        clock: Clock | None = None,
        limits: bool = True,
        strict_universes: bool = False,
        log_size: int = 10_000,
        seed: int = 0,
    ) -> None:
        self.clock: Clock = clock or Clock()
        """The emulator's clock."""
        self.limits: Limits = Limits(self.clock.now, enabled=limits)
        """Rate limits: `enabled`, and `players` of each universe."""
        self.faults: Faults = Faults(seed)
        """What is to go wrong."""
        self._initial_limits = limits
        self._initial_keys = _as_keys((DEFAULT_KEY,) if api_keys is None else api_keys)
        self._initial_apps = dict(apps.DEFAULT_APPS if oauth_apps is None else oauth_apps)
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[object], object]] = []
        connection = connect(database, (*rooms.SCHEMAS, journal.SCHEMA))
        self._close = weakref.finalize(self, connection.close)
        self._world = World(connection, self.clock.now, self.limits, strict_universes, unmoved=self.clock.unmoved)
        # Not a method: what steers a part of the state keeps it, and should not keep the emulator alive.
        self._transaction = partial(transaction, self._lock, self._world)
        self.scripts: Scripts = self._world.scripts
        """How the next long-running operations go."""
        self.assets: AssetControls = AssetControls(self._world, self._transaction)
        """The assets there are."""
        self.users: UserControls = UserControls(self._world, self._transaction)
        """Users: profiles, inventories, notifications."""
        self.groups: GroupControls = GroupControls(self._world, self._transaction)
        """Groups: members, roles, requests to join, shouts, forums."""
        self.user_restrictions: RestrictionControls = RestrictionControls(self._world, self._transaction)
        """Who may not join which experience or place."""
        self.secrets: SecretControls = SecretControls(self._world, self._transaction)
        """The secrets of experiences, which the emulator can open."""
        self.subscriptions: SubscriptionControls = SubscriptionControls(self._world, self._transaction)
        """Who subscribed to what."""
        self.luau: LuauControls = LuauControls(self._world, self._transaction)
        """Luau execution: who answers for which script."""
        self.places: PlaceControls = PlaceControls(self._world, self._transaction)
        """Places: who edits them, their versions, what is in them."""
        self.memory_stores: MemoryStoreControls = MemoryStoreControls(self._world, self._transaction)
        """Sorted maps and queues."""
        self.servers: ServerControls = ServerControls(self._world, self._transaction)
        """Game servers: none, until some are let begin."""
        self.translations: TranslationControls = TranslationControls(self._world, self._transaction)
        """How texts read in other languages."""
        self.creator_store: CreatorStoreControls = CreatorStoreControls(self._world, self._transaction)
        """The products of the Creator Store."""
        self._journal = Journal(connection, log_size)
        self.oauth: OAuthProvider = OAuthProvider(self._world, self._transaction)
        """The OAuth 2.0 provider: applications, headless consent, grants and keys."""
        self.webhooks: WebhookControls = WebhookControls(self._world, self._transaction)
        """Webhooks: the addresses that want them, what is told, and what became of it."""
        with self._transaction():
            self._furnish()

    @property
    def strict_universes(self) -> bool:
        """Whether only created universes, their root places and what was put in them exist."""
        return self._world.strict

    @strict_universes.setter
    def strict_universes(self, strict: bool) -> None:
        self._world.strict = strict

    def close(self) -> None:
        """Close the database; a state in memory is gone."""
        with self._lock:
            self._close()

    def __enter__(self) -> Self:
        """Return the emulator."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the emulator."""
        self.close()

    def reset(self) -> None:
        """Make everything as it was in a fresh emulator: state, keys, log, faults, limits, players and clock."""
        with self._transaction() as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                database.execute(f'DELETE FROM "{table}"')
            self._furnish()
            self.faults.clear()
            self.scripts.clear()
            self._world.luau.clear()
            self.webhooks.retry_interval = RETRY_INTERVAL
            self.limits.clear()
            self.limits.enabled = self._initial_limits
            self.clock.reset()

    # --- answering

    def handle(self, request: RawRequest) -> Reply:
        """Answer a request.

        Args:
            request: As it came over the wire.

        Returns:
            The answer, and what has to be done to it on the wire.
        """
        if request.raw_path.startswith(CONTROL_PREFIX):
            from rblxcloud.emulator import control

            return control.handle(self, request)
        with self._transaction():
            reply = self._exchange(request)
            events = tuple(self._world.events)
        for event in events:
            self.luau.carry_out(event)
            for callback in tuple(self._subscribers):
                callback(event)
        return reply

    def _exchange(self, request: RawRequest) -> Reply:
        match = rooms.route(request)
        endpoint = match.endpoint if isinstance(match, Match) else None
        family = family_of(request.raw_path) if endpoint else ErrorFamily.GATEWAY
        path = request.raw_path.partition("?")[0]
        fault = self.faults.take(request.method, path, endpoint.name if endpoint else None)
        reply, acted = Reply(), False
        if fault is None or fault.lets_act:
            reply, acted = self._attempt(request, match, family)
        if fault is not None:
            reply = fault.spoil(reply, family)
        self._journal.record(
            LoggedRequest(
                id=0,
                time=self.clock.now(),
                method=request.method,
                path=request.raw_path,
                endpoint=endpoint.name if endpoint else None,
                status=None if reply.cut_after == -1 else reply.status,
                acted=acted,
                fault=fault.kind if fault else None,
                tag=request.headers.get(TAG_HEADER),
            )
        )
        return reply

    def _attempt(self, request: RawRequest, match: Match | Refusal, family: ErrorFamily) -> tuple[Reply, bool]:
        """Return the service's answer, and whether it did what was asked; a refused request leaves no trace."""
        database = self._world.database
        database.execute("SAVEPOINT service")
        try:
            if isinstance(match, Refusal):
                raise match
            reply = self._serve(request, match)
        except Refusal as refusal:
            reply = render(refusal, family)
        acted = reply.status < 400
        if not acted:
            database.execute("ROLLBACK TO service")
            self._world.events.clear()
        database.execute("RELEASE service")
        return reply, acted

    def _serve(self, request: RawRequest, match: Match) -> Reply:
        """Check credential, validity, kind, scope, resource, rate limit and arguments; then act; then existence."""
        endpoint = match.endpoint
        handler = rooms.handler_of(endpoint)
        caller = access.authenticate(self._world, endpoint, request)
        resource = access.resource_of(match)
        access.authorize(endpoint, caller, resource)
        headers = self.limits.charge(endpoint, caller.principal, match.path)
        try:
            _check_arguments(request, match, resource.universe)
            missing = self._is_missing(resource.universe)
            call = Call(
                endpoint=endpoint,
                path=match.path,
                query=match.query,
                headers=request.headers,
                body=request.body,
                principal=caller.principal,
                has_scope=lambda scope: caller.has_scope(scope, resource),
                has_scope_on=caller.has_scope,
                client_ip=request.client_ip,
                base_url=request.base_url,
                limited=self.limits.enabled,
            )
            reply = handler(self._world, call)
        except Refusal as refusal:
            refusal.headers = {**headers, **refusal.headers}
            raise
        if missing and reply.status < 400:
            raise Refusal(404, "NOT_FOUND", "The universe does not exist.", headers=headers)
        return Reply(reply.status, {**headers, **reply.headers}, reply.body, reply.delay, reply.cut_after)

    def _is_missing(self, universe: str | None) -> bool:
        return self._world.strict and universe is not None and not universes.exists(self._world, universe)

    # --- inspecting and controlling

    def add_key(self, secret: str, key: ApiKey | None = None) -> ApiKey:
        """Make an API key work.

        Args:
            secret: What callers send; a key with the same secret is replaced.
            key: What it may do; None for everything.

        Returns:
            The key, with its id.
        """
        key = key or ApiKey()
        with self._transaction():
            api_keys.add(self._world, secret, key)
        return key

    def update_key(self, key: ApiKey) -> None:
        """Change what the key with this id may do from now on; its secret stays.

        Args:
            key: As it is to be, such as `key.model_copy(update={"status": KeyStatus.DISABLED})`.
        """
        with self._transaction():
            api_keys.update(self._world, key)

    def remove_key(self, key_id: str) -> bool:
        """Forget an API key; return whether there was one.

        Args:
            key_id: Its id, not the secret.
        """
        with self._transaction():
            return api_keys.remove(self._world, key_id)

    def list_keys(self) -> list[ApiKey]:
        """Return the API keys there are; the secrets are not kept."""
        with self._lock:
            return api_keys.every(self._world)

    def create_universe(self, universe: int | str, owner: str = universes.USER) -> None:
        """Make sure that a universe is there (see `strict_universes`).

        Args:
            universe: Its id.
            owner: `users/1` or `groups/1`.
        """
        with self._transaction():
            universes.create(self._world, str(universe), owner)

    def set_players(self, universe: int | str, count: int) -> None:
        """Say how many players are in a universe's servers: its data-store budgets grow with them."""
        self.limits.players[str(universe)] = count

    def messages(
        self,
        *,
        after: int = 0,
        universe: int | str | None = None,
        topic: str | None = None,
        limit: int | None = None,
    ) -> list[Message]:
        """Return the messages that were published, oldest first.

        Args:
            after: Only those with a greater id.
            universe: Only those of this universe.
            topic: Only those to this topic.
            limit: At most that many; None for all.
        """
        with self._lock:
            name = None if universe is None else str(universe)
            return messaging.published(self._world, after=after, universe=name, topic=topic, limit=limit)

    @overload
    def subscribe(self, callback: Callable[[Message], object]) -> Callable[[], None]: ...

    @overload
    def subscribe(self, callback: Callable[[Event], object], kind: type[Event]) -> Callable[[], None]: ...

    def subscribe(self, callback: Callable[[Any], object], kind: type[object] = Message) -> Callable[[], None]:
        """Call `callback` with each event once it has happened, in the thread that answers the request.

        Args:
            callback: Hears of the event.
            kind: Which events: `Message`, `Notification`, or `object` for all.

        Returns:
            A function that ends the subscription.
        """

        def hear(event: object) -> None:
            if isinstance(event, kind):
                callback(event)

        self._subscribers.append(hear)

        def unsubscribe() -> None:
            if hear in self._subscribers:
                self._subscribers.remove(hear)

        return unsubscribe

    def requests(
        self, *, after: int = 0, limit: int | None = None, endpoint: str | None = None, tag: str | None = None
    ) -> list[LoggedRequest]:
        """Return the request log, oldest first.

        Args:
            after: Only entries with a greater id.
            limit: At most that many; None for all.
            endpoint: Only those of the endpoint with this name.
            tag: Only those whose request had this `x-emulator-tag` header.
        """
        with self._lock:
            return self._journal.entries(after=after, limit=limit, endpoint=endpoint, tag=tag)

    def clear_requests(self) -> None:
        """Empty the request log; ids go on counting."""
        with self._transaction():
            self._journal.clear()

    # --- state

    def _furnish(self) -> None:
        for secret, key in self._initial_keys.items():
            api_keys.add(self._world, secret, key)
        for client_id, app_secret in self._initial_apps.items():
            apps.add(self._world, OAuthApp(id=client_id, public=app_secret is None), app_secret)
        for universe, owner in universes.SMALL_WORLD.items():
            universes.create(self._world, universe, owner)
        small_world.furnish(self._world)


def _as_keys(given: Iterable[str] | Mapping[str, ApiKey]) -> dict[str, ApiKey]:
    if isinstance(given, Mapping):
        return dict(cast("Mapping[str, ApiKey]", given))
    return {secret: ApiKey() for secret in ((given,) if isinstance(given, str) else given)}


def _check_arguments(request: RawRequest, match: Match, universe: str | None) -> None:
    if universe is not None and not universes.is_id(universe):
        raise Refusal(400, "INVALID_ARGUMENT", "The universe id is not a positive number.", detail="InvalidUniverseId")
    endpoint = match.endpoint
    if request.body and "content-length" not in request.headers:
        raise Refusal(400, "INVALID_ARGUMENT", "A body needs a Content-Length.", detail="ContentLengthRequired")
    if endpoint.body is Body.JSON and request.body:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _JSON_TYPES and not (kind.startswith("application/") and kind.endswith("+json")):
            raise Refusal(400, "INVALID_ARGUMENT", "The Content-Type of the body is missing or not JSON.")
    if endpoint.body_required and not request.body:
        raise Refusal(400, "INVALID_ARGUMENT", "A request body is required.")
