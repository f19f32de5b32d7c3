"""Luau execution: tasks that are answered by handlers, since there is no Luau in an emulator."""
