"""The live stream, which has no end: the one door that `test_every_door` cannot ask twice."""

from listening import Listening, numbered, wait_until
from own import Sent

EXACT = (106.6323461, 10.7123467)


def lead_a_life(sent):
    """All that its sender can do with a report."""
    lon, lat = EXACT
    sent.done("POST", "additions", {"text": "còn nữa"})
    sent.done("PATCH", "", {"text": "sửa lại"})
    sent.done("POST", "position", {"lon": lon + 1e-5, "lat": lat})
    sent.done("PUT", "contact", {"phone": "0987 654 321"})
    sent.done("POST", "withdraw")
    sent.done("POST", "erasure", {"text": True})


def places(heard, code):
    return {(one.data["lon"], one.data["lat"]) for one in heard.news if one.data["code"] == code}


def test_nothing_is_heard_of_a_hidden_report_and_a_blurred_one_is_in_its_square_alone(service):
    lon, lat = EXACT
    around = f"?bbox={lon - 2e-5},{lat - 2e-5},{lon + 2e-5},{lat + 2e-5}"
    with Listening(service.base) as heard, Listening(service.base, around) as near:
        began = heard.last
        hidden, blurred, public = (
            Sent(service, category=category, lon=lon, lat=lat)
            for category in ("order.drugs", "order.theft", "drainage.flooding")
        )
        for sent in (hidden, blurred, public):
            lead_a_life(sent)
        ended = ("closed", public.code)
        heard.until(lambda: heard.heard.count(ended) == 1 and near.heard.count(ended) == 1)
        wait_until(lambda: numbered(service.url))
        shown = blurred.public.json()["geometry"]["coordinates"]
        # Whoever comes back is told no more.
        with Listening(service.base, last=began) as later:
            later.until(lambda: ended in later.heard)
            for one in (heard, later):
                assert hidden.code not in str(one.events)
                assert places(one, blurred.code) == {tuple(round(at, 7) for at in shown)}
                # Of before the move the middle of its small cell, where that was over when told.
                assert len(places(one, public.code)) >= 2
                assert "sửa lại" not in str(one.events)
        # Nor does a small box find out.
        assert {code for _, code in near.heard} == {public.code}
