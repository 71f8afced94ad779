"""What is said of a hotspot is true, short, and in both languages."""

from datetime import date

import pytest

from geo.hotspots.words import Began, Facts, say, say_began


def facts(**changes):
    return Facts(
        **{
            "category": {"vi": "Ngập nước", "en": "Flooding"},
            "people": 37,
            "events": 37,
            "expected": 6.2,
            "p_value": 0.00003,
            "radius_m": 96.0,
            "area_m2": 31_000.0,
            "days": 90,
            "ward": None,
            "street": None,
            "near": [],
            **changes,
        }
    )


def sentence(lang="en", **changes):
    return say(facts(**changes))["sentence"][lang]


def test_it_says_how_many_where_and_what_would_be_usual():
    assert sentence("vi") == (
        "37 phản ánh “ngập nước” trong vòng 100 m, 90 ngày; bình thường khoảng 6; "
        "khả năng do ngẫu nhiên dưới 1/10.000."
    )
    assert sentence() == (
        "37 reports of “flooding” within 100 m in 90 days; about 6 expected from what people here "
        "report otherwise; chance below 1 in 10,000."
    )


def test_people_and_events_are_both_told_and_compared_like_with_like():
    said = sentence(people=1200, events=300)
    assert "1,200 reports" in said
    assert "(300 separate events)" in said
    assert "about 6 events expected" in said
    assert "fewer than 1 event expected" in sentence(events=30, expected=0.2)
    assert "1.200 phản ánh “ngập nước” (300 sự việc)" in sentence("vi", people=1200, events=300)


def test_a_wide_one_is_said_by_its_area():
    assert "in an area of 3.1 ha" in sentence(radius_m=300.0)
    assert "trong khu vực khoảng 3,1 ha" in sentence("vi", radius_m=300.0)


@pytest.mark.parametrize(
    ("p_value", "said", "level"),
    [
        (1e-12, "below 1 in 1,000,000", "very_high"),
        (0.0001, "below 1 in 10,000", "very_high"),
        (0.00011, "below 1 in 1,000", "high"),
        (0.03, "below 1 in 20", "moderate"),
        (0.12, "about 12 %", "weak"),
    ],
)
def test_a_chance_is_never_told_closer_than_it_is(p_value, said, level):
    assert said in sentence(p_value=p_value)
    assert say(facts(p_value=p_value))["confidence"]["level"] == level


def test_a_category_is_written_as_in_a_sentence():
    assert "“ổ gà”" in sentence("vi", category={"vi": "Ổ gà", "en": "Pothole"})
    assert "“GPS mất sóng”" in sentence("vi", category={"vi": "GPS mất sóng", "en": "No GPS"})


def test_a_name_has_the_ward_and_what_is_near():
    near = [{"kind": "school", "name": None, "distance_m": 3}]
    near += [{"kind": "school", "name": "Trường Mẫu", "distance_m": 80}]
    ward = {"vi": "phường Bến Thành", "en": "Bến Thành Ward"}
    assert say(facts(ward=ward, near=near))["name"] == {
        "vi": "Ngập nước, gần Trường Mẫu, phường Bến Thành",
        "en": "Flooding, near Trường Mẫu, Bến Thành Ward",
    }
    assert say(facts())["name"] == {"vi": "Ngập nước", "en": "Flooding"}


def test_a_chance_above_the_usual_is_called_uncertain():
    assert say(facts(p_value=0.12))["confidence"]["vi"] == "chưa chắc chắn"


def test_what_began_at_a_place_without_a_ward_has_no_empty_words():
    category = {"vi": "Ngập nước", "en": "Flooding"}
    said = say_began(Began(category, date(2026, 3, 27), 9, 1.0, 0.01, None, []))["sentence"]
    assert "“flooding”; about 1" in said["en"]
    assert "“ngập nước”; theo" in said["vi"]
    many = [{"vi": f"phường {name}", "en": f"{name} Ward"} for name in "ABC"]
    said = say_began(Began(category, date(2026, 3, 27), 9, 1.0, 0.01, None, many))["sentence"]
    assert "ở phường A, phường B và 1 phường, xã khác" in said["vi"]
