"""HTTP of hotspots."""

from fastapi import APIRouter

router = APIRouter(tags=["hotspots"])
