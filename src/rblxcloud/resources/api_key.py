"""What an API key is and may do, as Roblox tells it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AliasChoices, ConfigDict, Field, TypeAdapter

from rblxcloud.resources.base import Model, Timestamp

ALL = "*"
"""Stands in a key's lists for every experience, user, group or data store."""
_IDS_ARE_TEXT = ConfigDict(coerce_numbers_to_str=True)
"""Roblox's services write an id as text or as a number."""


class KeyDataStore(Model):
    """A data store that a scope of a key is for."""

    model_config: ClassVar[ConfigDict] = _IDS_ARE_TEXT

    universe_id: str = ALL
    """Id of the experience; `*` for every one."""
    data_store: str | None = Field(default=None, alias="datastoreName")
    """Name of the store; None for every store of the experience."""


class KeyScope(Model):
    """A scope that a key has, and what it is for; a list that is None, or holds `*`, restricts nothing."""

    model_config: ClassVar[ConfigDict] = _IDS_ARE_TEXT

    name: str
    """The scope without its operation, such as `universe-datastores.objects`."""
    operations: tuple[str, ...] = ()
    """Such as `read`."""
    user_ids: tuple[str, ...] | None = None
    """Ids of the users it is for."""
    group_ids: tuple[str, ...] | None = None
    """Ids of the groups it is for."""
    universe_ids: tuple[str, ...] | None = None
    """Ids of the experiences it is for."""
    data_stores: tuple[KeyDataStore, ...] | None = Field(default=None, alias="universeDatastores")
    """The data stores it is for."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes in full, such as `universe-datastores.objects:read`."""
        return tuple(f"{self.name}:{operation}" for operation in self.operations)

    def covers(
        self,
        *,
        experience: int | None = None,
        data_store: str | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> bool:
        """Whether it is for what is named; what is None is not asked about.

        Args:
            experience: Id of an experience.
            data_store: Name of a data store in it; `*` for all of them at once.
            user: Id of a user.
            group: Id of a group.
        """
        return (
            _listed(self.universe_ids, experience)
            and _listed(self.user_ids, user)
            and _listed(self.group_ids, group)
            and (
                self.data_stores is None
                or any(
                    _listed((store.universe_id,), experience)
                    and (store.data_store is None or _listed((store.data_store,), data_store))
                    for store in self.data_stores
                )
            )
        )


class ApiKeyInfo(Model):
    """An API key, as Roblox describes it: neither the key itself nor its address ranges, which Roblox does not tell."""

    name: str = ""
    """What its owner calls it."""
    authorized_user_id: int | None = None
    """Id of the user who owns it; of a group's key, of the user who made it last."""
    enabled: bool = True
    """False when its owner switched it off."""
    expired: bool = False
    """Whether it stopped working, on its day or after 60 days without use."""
    expires: Timestamp | None = Field(
        default=None, validation_alias=AliasChoices("expirationTimeUtc", "expirationUtcTime", "expires")
    )
    """When it stops working; None for never."""
    scopes: tuple[KeyScope, ...] = ()
    """What it may do."""

    @property
    def active(self) -> bool:
        """Whether Roblox takes it: it is enabled and not expired."""
        return self.enabled and not self.expired

    def has_scope(
        self,
        scope: str,
        *,
        experience: int | None = None,
        data_store: str | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> bool:
        """Whether the key has a scope, for what is named; what is None is not asked about.

        Args:
            scope: Such as `universe:write`.
            experience: Id of an experience.
            data_store: Name of a data store in it; `*` for all of them at once.
            user: Id of a user.
            group: Id of a group.
        """
        return any(
            scope in each.scopes and each.covers(experience=experience, data_store=data_store, user=user, group=group)
            for each in self.scopes
        )

    def __str__(self) -> str:
        """Name the key, and say whether Roblox takes it."""
        if self.expired:
            state = "expired" if self.expires is None else f"expired since {self.expires:%Y-%m-%d %H:%M} UTC"
        elif not self.enabled:
            state = "disabled"
        else:
            state = "active" if self.expires is None else f"active until {self.expires:%Y-%m-%d %H:%M} UTC"
        return f"API key {self.name!r} of user {self.authorized_user_id}: {state}"


API_KEY_INFO = TypeAdapter(ApiKeyInfo)


def _listed(allowed: tuple[str, ...] | None, value: int | str | None) -> bool:
    return allowed is None or value is None or ALL in allowed or str(value) in allowed
