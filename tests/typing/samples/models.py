"""What the samples store."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel
from typing_extensions import TypedDict


class PlayerData(BaseModel):
    coins: int = 0
    badges: list[str] = []


@dataclass
class Settings:
    volume: float = 1.0


class Position(TypedDict):
    x: float
    y: float
