"""HTTP of wards."""

from fastapi import APIRouter

router = APIRouter(tags=["wards"])
