"""Names put together from common Vietnamese parts: streets, schools, people.

No list of real streets or people went into it.
"""

import numpy as np
import numpy.typing as npt


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FAMILY = _words("Nguyễn Trần Lê Phạm Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Trương Đinh Mai")
_MIDDLE = _words("Văn Thị Hữu Đức Minh Quang Ngọc Thanh Công Xuân Hoài Thế Đình Kim Bá Tấn Phước")
_GIVEN = _words(
    "An Bảo Chiến Cường Diệu Đạt Điền Giang Hiển Hoà Hưng Khiêm Khoa Lâm Lành Liêm Lộc Lượng Mẫn "
    "Mười Nghĩa Nhàn Nhơn Phát Phong Phúc Quý Sang Sáu Sơn Tâm Tân Thạnh Thịnh Thuận Tín Toàn "
    "Trạch Trí Trung Tư Út Viễn Vinh Xuyến"
)
_PLACE = _words(
    "Gò Bến Rạch Cầu Xóm Ông Bà Tân Phú Bình An Long Thạnh Vĩnh Hoà Đông Tây Trung Mỹ Phước Hiệp"
)
_PLACE_TAIL = _words(
    "Dừa Sỏi Dưa Lá Cát Đá Me Sen Trúc Lúa Mía Gạo Sậy Bàng Điều Tràm Vông Gáo Cau Sung"
)

_ROADS = ("Tỉnh lộ", "Hương lộ", "Đường liên xã", "Đại lộ", "Đường vành đai")


def street_names(rng: np.random.Generator, main: npt.NDArray[np.bool_]) -> list[str]:
    """One name a street: "đường Trần Hữu Lâm", "đường số 14", "hẻm 212 Lê Kim Sơn" …"""
    n = len(main)
    kind = rng.random(n)
    people = person_names(rng, n)
    number = rng.integers(1, 60, n)
    alley = rng.integers(12, 780, n)
    place = _pairs(rng, _PLACE, _PLACE_TAIL, n)
    road = rng.integers(0, len(_ROADS), n)
    names = []
    for i in range(n):
        if main[i]:
            if kind[i] < 0.25:
                names.append(f"{_ROADS[road[i]]} {number[i]}")
            else:
                names.append(f"đường {people[i]}")
        elif kind[i] < 0.46:
            names.append(f"đường {people[i]}")
        elif kind[i] < 0.62:
            names.append(f"đường số {number[i]}")
        elif kind[i] < 0.86:
            names.append(f"hẻm {alley[i]} {people[i]}")
        else:
            names.append(f"đường {place[i]}")
    return names


def person_names(rng: np.random.Generator, n: int) -> list[str]:
    """`n` names such as "Trần Hữu Lâm"."""
    family = rng.choice(_FAMILY, n, p=_weights(len(_FAMILY)))
    mid = rng.choice(_MIDDLE, n)
    given = rng.choice(_GIVEN, n)
    return [f"{f} {m} {g}" for f, m, g in zip(family, mid, given, strict=True)]


def _pairs(
    rng: np.random.Generator, first: tuple[str, ...], second: tuple[str, ...], n: int
) -> list[str]:
    return [f"{a} {b}" for a, b in zip(rng.choice(first, n), rng.choice(second, n), strict=True)]


def _weights(n: int) -> npt.NDArray[np.float64]:
    # A few family names are borne by most people.
    weight = 1.0 / np.arange(1, n + 1)
    return np.asarray(weight / weight.sum())
