"""Groups: members and their roles, join requests, the shout and the forums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rblxcloud
from rblxcloud.emulator import Emulator
from tests.support.emulator import act_as

Tell = Callable[[Callable[[Any], Any]], None]


def test_group_is_fetched(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.update(7, display_name="Builders", description="We build.", owner=8, public_entry_allowed=False)
    emulator.groups.add_member(7, 9)

    async def story(client: Any) -> None:
        group = client.group(7)
        assert group.display_name is None
        fetched = await group.fetch()
        assert fetched == group
        assert (group.display_name, group.description, group.owner_id) == ("Builders", "We build.", 8)
        assert (group.public_entry_allowed, group.locked, group.verified) == (False, False, False)
        assert group.created <= group.updated

    tell(story)


def test_abandoned_and_unknown_groups(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.update(7, owner=0)
    emulator.groups.remove(404)

    async def story(client: Any) -> None:
        assert (await client.group(7).fetch()).owner_id is None
        with pytest.raises(rblxcloud.NotFoundError):
            await client.group(404).fetch()
        with pytest.raises(rblxcloud.NotFoundError):
            await client.group(404).members().first_page()

    tell(story)


def test_members_are_listed_by_role_and_by_user(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.update(7, owner=1)
    for user in range(20, 25):
        emulator.groups.add_member(7, user)
    emulator.groups.add_member(7, 24, role="Admin")

    async def story(client: Any) -> None:
        group = client.group(7)
        roles = {role.display_name: role async for role in group.roles()}
        everybody = [member async for member in group.members(page_size=2)]
        assert [member.user_id for member in everybody] == [1, 20, 21, 22, 23, 24]
        assert {member.group_id for member in everybody} == {7}
        assert len({member.id for member in everybody}) == 6
        admins = [member async for member in group.members(role=roles["Admin"])]
        assert [member.user_id for member in admins] == [24]
        assert admins == [member async for member in group.members(role=roles["Admin"].id)]
        assert (admins[0].role_id, set(admins[0].role_ids)) == (
            roles["Admin"].id,
            {roles["Admin"].id, roles["Member"].id},
        )
        assert [member.user_id async for member in group.members(user=22)] == [22]
        assert (await group.find_member(24)) == admins[0]
        assert await group.find_member(99) is None

    tell(story)


def test_roles_are_read(tell: Tell, emulator: Emulator) -> None:
    made = emulator.groups.add_role(7, "Builder", 100, permissions=("createPosts",), description="Builds.")

    async def story(client: Any) -> None:
        group = client.group(7)
        roles = [role async for role in group.roles(page_size=2)]
        assert [(role.display_name, role.rank) for role in roles] == [
            ("Guest", 0),
            ("Member", 1),
            ("Builder", 100),
            ("Admin", 254),
            ("Owner", 255),
        ]
        assert roles[0].member_count is None
        assert roles[4].member_count == 1
        builder = await group.get_role(made)
        assert builder == roles[2]
        assert (builder.description, builder.permissions.create_posts, builder.permissions.ban_members) == (
            "Builds.",
            True,
            False,
        )
        assert len([role async for role in group.roles(limit=3)]) == 3
        with pytest.raises(rblxcloud.NotFoundError):
            await group.get_role(1)

    tell(story)


def test_a_stranger_sees_the_permissions_of_guests_alone(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.update(7, owner=8)
    act_as(emulator, "users/99", "group:read")

    async def story(client: Any) -> None:
        guest, *others = [role async for role in client.group(7).roles()]
        assert guest.permissions.view_forums
        assert [role.permissions for role in others] == [None, None, None]
        assert (guest.description, guest.created) == (None, None)

    tell(story)


def test_roles_are_assigned_and_taken(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.add_member(7, 24)

    async def story(client: Any) -> None:
        group = client.group(7)
        roles = {role.display_name: role.id async for role in group.roles()}
        both = {roles["Member"], roles["Admin"]}
        for _ in range(2):
            member = await group.assign_role(24, roles["Admin"])
            assert (member.user_id, member.role_id, set(member.role_ids)) == (24, roles["Admin"], both)
        for _ in range(2):
            member = await group.unassign_role(client.user(24), roles["Admin"])
            assert (member.role_id, member.role_ids) == (roles["Member"], (roles["Member"],))
        member = await group.update_member(24, roles["Admin"])
        assert member.role_ids == (roles["Admin"],)
        assert await group.find_member(24) == member

    tell(story)


def test_roles_that_cannot_be_given_are_refused(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.add_member(7, 24)

    async def story(client: Any) -> None:
        group = client.group(7)
        roles = {role.display_name: role.id async for role in group.roles()}
        for name in ("Guest", "Owner"):
            with pytest.raises(rblxcloud.PermissionDeniedError):
                await group.assign_role(24, roles[name])
        with pytest.raises(rblxcloud.NotFoundError):
            await group.assign_role(24, 1)
        with pytest.raises(rblxcloud.NotFoundError):
            await group.assign_role(99, roles["Admin"])

    tell(story)


def test_a_key_without_the_scope_is_told_which_one_it_lacks(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.ask_to_join(7, 24)
    act_as(emulator, "users/1", "group:read")

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.PermissionDeniedError) as caught:
            await client.group(7).accept_join_request(24)
        assert caught.value.required_scopes == ("group:write",)

    tell(story)
    assert emulator.groups.join_requests(7) == [24]


def test_join_requests_are_answered(tell: Tell, emulator: Emulator) -> None:
    for user in (24, 25, 26):
        emulator.groups.ask_to_join(7, user)

    async def story(client: Any) -> None:
        group = client.group(7)
        assert [request.user_id async for request in group.join_requests(page_size=2)] == [24, 25, 26]
        [request] = [request async for request in group.join_requests(user=25)]
        assert request.created is not None
        await group.accept_join_request(request.user_id)
        await group.decline_join_request(client.user(26))
        assert [request.user_id async for request in group.join_requests()] == [24]
        for answer in (group.accept_join_request, group.decline_join_request):
            with pytest.raises(rblxcloud.NotFoundError):
                await answer(26)
        assert await group.find_member(26) is None
        assert (await group.find_member(25)).user_id == 25

    tell(story)


def test_shout_is_written(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.update(7, owner=8)

    async def story(client: Any) -> None:
        shout = await client.group(7).update_shout("The new map is open!")
        assert (shout.message, shout.poster_id) == ("The new map is open!", 8)
        assert shout.created == shout.updated

    tell(story)


def test_a_shout_of_somebody_who_may_not_is_refused(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.update(7, owner=8)
    act_as(emulator, "users/99", "legacy-group:manage")

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.PermissionDeniedError) as caught:
            await client.group(7).update_shout("Hello")
        assert caught.value.code == "6"

    tell(story)


def test_forums_are_read(tell: Tell, emulator: Emulator) -> None:
    general = emulator.groups.add_category(7, "General", author=8)
    old = emulator.groups.add_category(7, "Old")
    emulator.groups.archive(old, archiver=9)
    rules = emulator.groups.add_post(general, "Rules", "Be kind.", author=8, pinned=True, locked=True)
    emulator.groups.add_post(general, "Hello", "Hi.", author=9)
    first = emulator.groups.add_comment(rules, "Yes!", author=9, emote="heart", emotes=3)
    reply = emulator.groups.add_comment(rules, "Good.", author=8, replies_to=first)

    async def story(client: Any) -> None:
        group = client.group(7)
        [category] = [c async for c in group.forum_categories()]
        assert (category.id, category.display_name, category.creator_id, category.archived) == (
            general,
            "General",
            8,
            None,
        )
        [archived] = [c async for c in group.forum_categories(archived=True)]
        assert (archived.id, archived.archiver_id, archived.archived is None) == (old, 9, False)

        posts = [post async for post in group.forum_posts(general, page_size=1)]
        assert [(post.title, post.author_id, post.pinned, post.locked) for post in posts] == [
            ("Rules", 8, True, True),
            ("Hello", 9, False, False),
        ]
        assert posts[0].first_comment.text is None
        [pinned] = [post async for post in group.forum_posts(general, pinned=True, with_text=True)]
        assert (pinned.id, pinned.first_comment.text, pinned.first_comment.author_id) == (rules, "Be kind.", 8)
        assert pinned.first_comment.id == posts[0].first_comment.id

        comments = {c.id: c async for c in group.forum_comments(general, rules)}
        assert comments[first].text == "Yes!"
        assert comments[first].reactions == (rblxcloud.ForumReaction(emote_id="heart", count=3),)
        assert reply not in comments
        [answer] = [c async for c in group.forum_comments(general, rules, replies_to=first)]
        assert (answer.id, answer.text, answer.author_id) == (reply, "Good.", 8)
        with pytest.raises(rblxcloud.NotFoundError):
            await group.forum_posts(rules).first_page()

    tell(story)


def test_no_id_of_a_forum_reaches_another_place(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        group = client.group(7)
        for id in ("", "..", "a/b", "a||b", "a b", 5, "a?x=1"):
            with pytest.raises(rblxcloud.InvalidRequestError, match="category_id"):
                group.forum_posts(id)
            with pytest.raises(rblxcloud.InvalidRequestError, match="post_id"):
                group.forum_comments("c", id)
            with pytest.raises(rblxcloud.InvalidRequestError, match="replies_to"):
                group.forum_comments("c", "p", replies_to=id)

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("id", [-1, 0, True, "seven", None, 1.5, 2**63])
def test_ids_that_are_none_are_refused(tell: Tell, emulator: Emulator, id: Any) -> None:
    async def story(client: Any) -> None:
        for make in (client.user, client.group):
            with pytest.raises(rblxcloud.InvalidRequestError, match="is not an id"):
                make(id)
        with pytest.raises(rblxcloud.InvalidRequestError, match="is not an id"):
            await client.group(7).assign_role(id, 1)
        with pytest.raises(rblxcloud.InvalidRequestError, match="is not an id"):
            await client.group(7).assign_role(1, id)

    tell(story)
    assert emulator.requests() == []
