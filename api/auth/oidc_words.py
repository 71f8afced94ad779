"""What people read when a sign-in by another service did not work; `reason` is stable."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.errors import of_subject
from api.security_headers import FORM_ALONE
from geo.errors import (
    CodeNeeded,
    NotAllowed,
    PinwardError,
    SignInAway,
    SignInRefused,
    UnknownPerson,
)

_AGAIN = ("Hãy đăng nhập lại từ đầu.", "Begin again from the sign-in page.")
_REFUSED = {
    "not-begun-here": (
        "Trình duyệt này chưa bắt đầu lần đăng nhập đó, hoặc đã bắt đầu một lần khác sau đó.",
        "This browser did not begin that sign-in, or began another one since.",
    ),
    "took-too-long": (
        "Đã quá 10 phút kể từ khi bắt đầu đăng nhập.",
        "More than 10 minutes have passed since the sign-in began.",
    ),
    "used": (
        "Lần đăng nhập này đã được dùng rồi.",
        "This sign-in was used already.",
    ),
    "declined": (
        "Dịch vụ đăng nhập đã không xác nhận, hoặc bạn đã hủy.",
        "The sign-in service did not confirm you, or you cancelled.",
    ),
    "code-refused": (
        "Dịch vụ đăng nhập không nhận lại mã mà nó đã cấp.",
        "The sign-in service did not take back the code it gave.",
    ),
    "wrong-service": (
        "Câu trả lời đến từ một dịch vụ đăng nhập khác.",
        "The answer came from another sign-in service.",
    ),
    "changed": (
        "Tài khoản vừa được thay đổi.",
        "The account was changed meanwhile.",
    ),
    "not-believed": (
        "Xác nhận của dịch vụ đăng nhập không hợp lệ; chi tiết có trong nhật ký của hệ thống.",
        "The sign-in service's confirmation is not valid; the service's log says why.",
    ),
}


def refused(reason: str) -> SignInRefused:
    """That a sign-in did not work, and why."""
    vi, en = (f"{said} {again}" for said, again in zip(_REFUSED[reason], _AGAIN, strict=True))
    return SignInRefused(en, reason=reason, detail_vi=vi)


def away() -> SignInAway:
    """That the sign-in service gives no answer."""
    return SignInAway(
        "the service that signs people in does not answer; try again in a moment. Signing in by "
        "password goes on",
        later_s=10,
        reason="away",
        detail_vi="Dịch vụ đăng nhập không trả lời; hãy thử lại sau ít phút. Vẫn đăng nhập được "
        "bằng mật khẩu.",
    )


def unknown_person() -> UnknownPerson:
    """That nobody of ours is known by that identity."""
    return UnknownPerson(
        "the sign-in service knows you, but there is no account here for you. Ask your "
        "administrator to add one and to link it: pinward users add, pinward users link",
        reason="unknown-person",
        detail_vi="Dịch vụ đăng nhập biết bạn, nhưng ở đây chưa có tài khoản cho bạn. Hãy nhờ quản "
        "trị viên tạo tài khoản và liên kết.",
    )


_CODE = (
    "Dịch vụ đăng nhập đã xác nhận bạn. Hãy nhập mã trong ứng dụng xác thực, hoặc mã khôi phục.",
    "The sign-in service confirmed you. Now give the code that your app shows, or a recovery code.",
)
_WRONG_CODE = (
    "Mã này sai hoặc đã được dùng; hãy nhập mã ứng dụng đang hiện.",
    "This code is wrong or was used before; give the one that the app shows now.",
)


def asked(request: Request, *, wrong: bool = False) -> Response:
    """That our own second step is still needed: a page with a form for it, else a problem."""
    vi, en = _WRONG_CODE if wrong else _CODE
    problem = of_subject(CodeNeeded(en, reason="code-needed", detail_vi=vi))
    if "text/html" not in request.headers.get("accept", ""):
        return problem
    form = """<form method="post" action="/api/v1/session/oidc/staff/code">
<label>Mã · <span lang="en">Code</span>
<input name="code" autocomplete="one-time-code" maxlength="40" required autofocus></label>
<button>Đăng nhập · <span lang="en">Sign in</span></button>
</form>
"""
    answer = _page(problem, ("Bước thứ hai", "Second step"), vi, en, form)
    answer.headers["Content-Security-Policy"] = FORM_ALONE
    return answer


def told(request: Request, error: PinwardError) -> Response:
    """The error as a small page for who came with a browser, else as a problem."""
    problem = of_subject(error)
    if "text/html" not in request.headers.get("accept", ""):
        return problem
    heading = ("Chưa đăng nhập được", "You are not signed in")
    if isinstance(error, NotAllowed):
        heading = ("Không có tài khoản", "No account")
    en = error.detail[:1].upper() + error.detail[1:]
    return _page(problem, heading, str(error.facts.get("detail_vi") or ""), en)


def _page(
    problem: Response, heading: tuple[str, str], vi: str, en: str, more: str = ""
) -> HTMLResponse:
    page = f"""<!doctype html>
<html lang="vi">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading[0]} · {heading[1]}</title>
<h1>{heading[0]} · <span lang="en">{heading[1]}</span></h1>
{f"<p>{escape(vi)}</p>" if vi else ""}
<p lang="en">{escape(en)}</p>
{more}<p><a href="/">Pinward</a></p>
</html>
"""
    kept = {name: value for name, value in problem.headers.items() if name in _KEPT}
    return HTMLResponse(page, status_code=problem.status_code, headers=kept)


_KEPT = ("cache-control", "retry-after", "www-authenticate")
