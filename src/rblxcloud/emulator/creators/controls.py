"""What a test says to an emulator of its users and groups."""

from __future__ import annotations

from rblxcloud.emulator.controls import Controls, given
from rblxcloud.emulator.creators import forum, groups, inventory, memberships, notifications, roles, users
from rblxcloud.emulator.creators.inventory import Collectible
from rblxcloud.emulator.creators.notifications import Notification
from rblxcloud.emulator.creators.roles import Role

__all__ = ["GroupControls", "UserControls"]


class UserControls(Controls):
    """An emulator's users. Every positive number is one, with a made-up name and an empty inventory."""

    def update(
        self,
        user: int,
        *,
        name: str | None = None,
        display_name: str | None = None,
        about: str | None = None,
        locale: str | None = None,
        premium: bool | None = None,
        id_verified: bool | None = None,
        social_network_profiles: dict[str, str] | None = None,
        inventory_public: bool | None = None,
    ) -> None:
        """Say something of a user, who exists from now on; what is None stays.

        Args:
            user: Id of the user.
            name: The unique name.
            display_name: The name shown.
            about: What the user says of themselves.
            locale: Such as `en_us`.
            premium: Whether the user has Premium.
            id_verified: Whether the user proved who they are; upload quotas depend on it.
            social_network_profiles: Addresses by network, and `visibility`.
            inventory_public: Whether everybody may read the inventory.

        Raises:
            ValueError: For a network or a visibility that does not exist.
        """
        fields = {
            "name": name,
            "displayName": display_name,
            "about": about,
            "locale": locale,
            "premium": premium,
            "idVerified": id_verified,
            "socialNetworkProfiles": social_network_profiles,
            "inventoryPublic": inventory_public,
        }
        with self._transaction():
            users.write(self._world, user, given(fields))

    def remove(self, user: int) -> None:
        """Let a user be unknown from now on."""
        with self._transaction():
            users.remove(self._world, user)

    def add_item(
        self,
        user: int,
        kind: str,
        thing: int,
        *,
        asset_type: str | None = None,
        collectible: Collectible | None = None,
    ) -> str:
        """Put something into a user's inventory; return the path of the item.

        Args:
            user: Id of the user.
            kind: `asset`, `badge`, `game_pass` or `private_server`.
            thing: Its id.
            asset_type: What type of asset it is, such as `HAT`; for assets only.
            collectible: What makes it a limited one; for assets only.

        Raises:
            ValueError: For a kind or a type that does not exist.
        """
        with self._transaction():
            return inventory.add(self._world, user, kind, thing, asset_type=asset_type, collectible=collectible)

    def notifications(self, *, after: int = 0, user: int | None = None, limit: int | None = None) -> list[Notification]:
        """Return the notifications that were sent, oldest first.

        Args:
            after: Only those with a greater id.
            user: Only those to this user.
            limit: At most that many; None for all.
        """
        with self._transaction():
            return notifications.sent(self._world, after=after, user=user, limit=limit)


class GroupControls(Controls):
    """An emulator's groups. Every positive number is one, owned by user 1, with the four roles that all groups have."""

    def update(
        self,
        group: int,
        *,
        owner: int | None = None,
        display_name: str | None = None,
        description: str | None = None,
        public_entry_allowed: bool | None = None,
        locked: bool | None = None,
        verified: bool | None = None,
    ) -> None:
        """Say something of a group, which exists from now on; what is None stays.

        Args:
            group: Id of the group.
            owner: Id of the user who owns it from now on, as a member; 0 for nobody.
            display_name: Its name, of 1 to 50 characters.
            description: At most 1000 characters.
            public_entry_allowed: Whether everybody may join without asking.
            locked: Whether it is locked.
            verified: Whether it is verified.

        Raises:
            ValueError: For a name or a description that is too long.
        """
        fields = {
            "displayName": display_name,
            "description": description,
            "publicEntryAllowed": public_entry_allowed,
            "locked": locked,
            "verified": verified,
        }
        with self._transaction():
            if owner is None:
                found = groups.find(self._world, group)
                owner = found.owner if found is not None else groups.FIRST_OWNER
            groups.write(self._world, group, given(fields), owner or None)

    def remove(self, group: int) -> None:
        """Let a group be unknown from now on."""
        with self._transaction():
            groups.remove(self._world, group)

    def roles(self, group: int) -> list[Role]:
        """Return the roles of a group, the lowest rank first."""
        with self._transaction():
            return roles.of_group(self._world, self._known(group))

    def add_role(
        self, group: int, name: str, rank: int, *, permissions: tuple[str, ...] = (), description: str = ""
    ) -> int:
        """Make a role; return its id.

        Args:
            group: Id of the group.
            name: What it is called.
            rank: 1 to 254, another one than the group's other roles have.
            permissions: What it allows, such as `acceptRequests`.
            description: What is said of it.

        Raises:
            ValueError: For a rank that is none or taken, or a permission that does not exist.
        """
        with self._transaction():
            return roles.add(self._world, self._known(group), name, rank, permissions, description=description).id

    def members(self, group: int) -> list[int]:
        """Return the ids of a group's members."""
        with self._transaction():
            found = roles.members(self._world, group=self._known(group), users=None, role=None, after=None)
            return [member.user for member in found]

    def add_member(self, group: int, user: int, *, role: int | str | None = None) -> None:
        """Make a user a member of a group, or give a member another role.

        Args:
            group: Id of the group.
            user: Id of the user.
            role: Id or name of the role; None for the base role.

        Raises:
            ValueError: The group has no such role.
        """
        with self._transaction():
            roles.join(self._world, self._known(group), user, None if role is None else self._role(group, role))

    def remove_member(self, group: int, user: int) -> bool:
        """End a membership; return whether there was one."""
        with self._transaction():
            return roles.leave(self._world, self._known(group), user)

    def ask_to_join(self, group: int, user: int) -> None:
        """Let a user ask to join a group."""
        with self._transaction():
            memberships.ask_to_join(self._world, self._known(group), user)

    def join_requests(self, group: int) -> list[int]:
        """Return the ids of the users who ask to join a group."""
        with self._transaction():
            return memberships.asking(self._world, group)

    def shout(self, group: int, content: str, *, poster: int = groups.FIRST_OWNER) -> None:
        """Let a user shout in a group."""
        with self._transaction():
            groups.set_shout(self._world, self._known(group), content, poster)

    def add_category(self, group: int, name: str, *, author: int = groups.FIRST_OWNER) -> str:
        """Make a category of a group's forum; return its id."""
        with self._transaction():
            return forum.add_category(self._world, self._known(group), name, author)

    def add_post(
        self,
        category: str,
        title: str,
        text: str,
        *,
        author: int = groups.FIRST_OWNER,
        pinned: bool = False,
        locked: bool = False,
    ) -> str:
        """Make a post in a category; return its id.

        Args:
            category: Id of the category.
            title: Of the post.
            text: Of its first comment.
            author: Id of the user.
            pinned: Whether it is pinned.
            locked: Whether it is locked.

        Raises:
            ValueError: There is no such category.
        """
        with self._transaction():
            return forum.add_post(self._world, category, title, text, author, pinned=pinned, locked=locked)

    def add_comment(
        self,
        post: str,
        text: str,
        *,
        author: int = groups.FIRST_OWNER,
        replies_to: str | None = None,
        emote: str | None = None,
        emotes: int = 0,
    ) -> str:
        """Make a comment on a post; return its id.

        Args:
            post: Id of the post.
            text: What it says.
            author: Id of the user.
            replies_to: Id of the comment that it answers; None for one of its own.
            emote: Id of an emote that others reacted with.
            emotes: How many did.

        Raises:
            ValueError: There is no such post or comment.
        """
        with self._transaction():
            return forum.add_comment(self._world, post, text, author, replies_to=replies_to, emote=emote, emotes=emotes)

    def archive(self, category_or_post: str, *, archiver: int = groups.FIRST_OWNER) -> None:
        """Archive a category or a post of a forum."""
        with self._transaction():
            forum.archive(self._world, category_or_post, archiver)

    def _known(self, group: int) -> int:
        """Return the id of a group that is there, as every one is that was not removed."""
        if groups.find(self._world, group) is None:
            raise ValueError(f"there is no group {group}")
        return group

    def _role(self, group: int, wanted: int | str) -> Role:
        for role in roles.of_group(self._world, group):
            if wanted in (role.id, role.name):
                return role
        raise ValueError(f"group {group} has no role {wanted!r}")
