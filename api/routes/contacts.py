"""HTTP of contact data: what the staff may ask for, and must say why."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth.rights import Action, may
from api.auth.scope import require_within
from api.errors import documented
from api.parameters import Said
from api.routes.reports import Code
from api.session import Write
from geo.reports import contacts
from geo.reports.held import held
from geo.store.asking import as_account
from geo.store.database import AnyRow

router = APIRouter(prefix="/api/v1", tags=["reports"])

Why = Annotated[
    Said,
    Query(
        min_length=3,
        max_length=200,
        description="what it is needed for, as it will stand in the audit log",
    ),
]


class Contact(BaseModel):
    """How to reach the reporter; nothing of it was given by an anonymous one."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


class ReportContact(BaseModel):
    """The contact of a report; null: the report is anonymous."""

    code: str
    contact: Annotated[Contact | None, Field(description="null: the report is anonymous")]


@router.get(
    "/reports/{code}/contact",
    responses={**documented(401, 403, 404), 200: {"model": ReportContact}},
    response_model_exclude_none=False,
)
async def read_contact(
    code: Code,
    why: Why,
    request: Request,
    response: Response,
    conn: Write,
    account: Annotated[AnyRow, may(Action.READ_CONTACT)],
) -> ReportContact:
    """How to reach the reporter; that it was read, by whom and why, is written to the audit log."""
    report = await held(conn, code)
    require_within(account, report.ward_code, report.organisation_id, ward=report.ward)
    await as_account(conn, account.id)
    found = await contacts.read(
        conn,
        contacts.Named(report.id, report.code),
        keys=request.app.state.keys,
        actor=account.email,
        why=why,
        now=datetime.now(UTC),
    )
    response.headers["Cache-Control"] = "no-store"
    return ReportContact(code=report.code, contact=Contact(**found) if found else None)
