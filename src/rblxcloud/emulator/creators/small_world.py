"""Who and what is there in a fresh emulator."""

from __future__ import annotations

from rblxcloud.emulator.creators import forum, groups, inventory, memberships, roles, users
from rblxcloud.emulator.model import World

__all__ = ["furnish"]

OWNER, ADMIN, BUILDER, MEMBER, ASKING = 1, 2, 3, 4, 5
GROUP = 1


def furnish(world: World) -> None:
    """Put the small world into a state that does not hold it yet."""
    if world.database.execute("SELECT 1 FROM groups WHERE id = ?", (GROUP,)).fetchone():
        return
    users.write(world, OWNER, {"name": "builder", "displayName": "The Builder", "about": "Lives in the emulator."})
    _furnish_inventory(world)
    groups.write(
        world, GROUP, {"displayName": "Builders", "description": "A group.", "publicEntryAllowed": False}, OWNER
    )
    builder = roles.add(world, GROUP, "Builder", 100, ("viewForums", "createPosts", "manageAvatarItems"))
    admin = next(role for role in roles.of_group(world, GROUP) if role.name == "Admin")
    roles.join(world, GROUP, ADMIN, admin)
    roles.join(world, GROUP, BUILDER)
    roles.join(world, GROUP, BUILDER, builder)
    roles.join(world, GROUP, MEMBER)
    memberships.ask_to_join(world, GROUP, ASKING)
    groups.set_shout(world, GROUP, "Welcome.", OWNER)
    category = forum.add_category(world, GROUP, "General", OWNER)
    post = forum.add_post(world, category, "Rules", "Be kind.", OWNER, pinned=True)
    forum.add_comment(world, post, "Understood.", MEMBER)
    forum.add_post(world, category, "Hello", "I build castles.", BUILDER)


def _furnish_inventory(world: World) -> None:
    inventory.add(world, OWNER, "asset", 1028606, asset_type="HAT")
    limited = inventory.Collectible(
        item_id="8f4b4b4e-0f1c-4f0e-9c64-5f3ac2a3c6d1",
        instance_id="1b0f4e0a-6a0e-4d8f-8c5a-2d8f3f0f7a11",
        serial_number=7,
    )
    inventory.add(world, OWNER, "asset", 1365767, asset_type="HAT", collectible=limited)
    inventory.add(world, OWNER, "asset", 90000000, asset_type="PURCHASED_PLACE")
    inventory.add(world, OWNER, "badge", 2124445684)
    inventory.add(world, OWNER, "game_pass", 6408694)
    inventory.add(world, OWNER, "private_server", 1234567)
