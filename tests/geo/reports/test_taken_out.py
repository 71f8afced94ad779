"""What says again what the staff took out is found; what anybody would write is not."""

import pytest

from geo.reports.own.taken_out import comes_back

NAMED, EDITED = "Ông Bình ở số 5 xả rác", "Một hộ ở đây xả rác"
HIDDEN = "Đó là nhà ông Bình, sđt 0912345678"
FLOOD = ("Nước ngập ở hẻm 12", "Ngập nước", "Flooding")


@pytest.mark.parametrize(
    "said",
    [
        *("Là ông Bình, số 5", "BINH ONG!", "la ong binh", "nhà số 5 ấy", NAMED, "Bình ở số 5"),
        "Xin nhắc: ông  Bi\u0300nh.",
    ],
)
def test_a_name_or_a_house_that_the_edit_took_out_is_found(said):
    assert comes_back(said, [NAMED], [EDITED])


@pytest.mark.parametrize(
    "said",
    [
        *("Vẫn còn rác", "Một hộ ở đây vẫn xả rác", "Ông ấy lại xả thêm 5 bao rác", EDITED),
        *("Nhà ông hàng xóm cũng bị", "Số lượng rác nhiều hơn hôm qua", "👍", "Nay đã bớt"),
    ],
)
def test_what_the_edit_left_and_what_is_new_is_not(said):
    assert not comes_back(said, [NAMED, EDITED], [EDITED])


@pytest.mark.parametrize(
    "said",
    [
        *("0912345678 ông Bình", "gọi 0912 345 678", "0912.345.678", "+84 912-345-678"),
        *("９１２３４５６７８", "nhà ông Bình đó"),
    ],
)
def test_a_number_or_a_name_of_a_hidden_line_is_found(said):
    assert comes_back(said, ["Vẫn còn ngập", HIDDEN], FLOOD)


@pytest.mark.parametrize(
    "said",
    [
        *(
            "hôm nay vẫn còn ngập sâu",
            "Nhà ông hàng xóm cũng ngập",
            "Đó là sau cơn mưa",
            "gọi 1022",
        ),
        *("Ngập từ ngày 27.11.2026", "It is still flooded", "Van con ngap, rat sau"),
    ],
)
def test_an_honest_line_is_not(said):
    gone = ["Vẫn còn ngập", HIDDEN, "van con", "It is still there", "Ngập 30 cm lúc 8 giờ"]
    assert not comes_back(said, gone, FLOOD)


def test_a_line_of_common_words_alone_is_found_as_a_whole_and_no_other():
    assert comes_back("VẪN còn, ngập", ["Vẫn còn ngập"], ["Cống tắc"])
    assert not comes_back("Hôm nay vẫn còn ngập sâu", ["Vẫn còn ngập"], ["Cống tắc"])
    # nothing of it is gone where it stands
    assert not comes_back("Vẫn còn ngập", ["Vẫn còn ngập"], ["Cống tắc, vẫn còn ngập"])


def test_a_name_that_is_common_without_its_marks_counts():
    assert comes_back("bà Vân đấy", ["Nhà bà Vân"], FLOOD)
    assert comes_back("ba van day", ["Nhà bà Vân"], FLOOD)


def test_a_number_that_stands_may_be_said():
    assert not comes_back("Gọi 0912345678", [HIDDEN], ["Số ở bảng là 0912 345 678"])
