"""HTTP of facilities."""

from fastapi import APIRouter

router = APIRouter(tags=["facilities"])
