"""HTTP of organisations: who answers for reports."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.schemas import OrganisationBrief
from api.session import Read
from geo.store import organisations

router = APIRouter(prefix="/api/v1", tags=["tasks"])


class Organisations(BaseModel):
    """All of them."""

    organisations: list[OrganisationBrief]


@router.get("/organisations", responses={200: {"model": Organisations}})
async def list_organisations(conn: Read, response: Response) -> dict[str, object]:
    """Who may be given a report: wards' committees, companies, departments."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return {
        "organisations": [
            {"code": each.code, "name": {"vi": each.name_vi, "en": each.name_en}}
            for each in await organisations.every(conn)
        ]
    }
