"""What goes wrong with each plain method, in Vietnamese and English, for whoever looks at its map.

Figures are of simulated cities without any hotspot, in which people live and report unevenly
(`benchmarks/simulated.py`, 40,000 reports of 14 categories); those of DBSCAN and Gi* are what
`make bench` (calibration, "uneven") tells of all categories, by the number of these.
"""

from typing import Final

from geo.hotspots.expert.question import Method

_AS_THEY_ARE: Final = {
    "vi": " Các phản ánh được lấy nguyên như đã gửi: phản ánh lặp không gộp lại, điểm mặc định và "
    "các dấu vết ghi nhận khác không bị loại. Đừng quyết định chỉ dựa vào bản đồ này.",
    "en": " Reports are taken as they are: repeats are not counted once, default points and other "
    "artefacts of recording are not left out. Do not decide by this map alone.",
}

_WARNINGS: Final[dict[Method, dict[str, str]]] = {
    "dbscan": {
        "vi": "DBSCAN thuần tuý vẽ những nơi có nhiều người phản ánh, bất kể chuyện gì: nơi đông "
        "dân cũng thành cụm. Nó không so với các loại phản ánh khác và không loại trừ ngẫu nhiên: "
        "trên các thành phố mô phỏng không có điểm nóng nào, nó vẫn vẽ khoảng 50 “điểm nóng” "
        "cho mỗi loại.",
        "en": "Plain DBSCAN draws where many people report anything: where many live is a cluster "
        "too. It compares with no other category and rules out no chance: on simulated cities "
        "without any hotspot it still drew about 50 “hotspots” of each category.",
    },
    "hdbscan": {
        "vi": "HDBSCAN tự chọn một tỷ lệ cho từng nơi, nên nơi thưa cũng thành cụm như nơi dày: "
        "trên các thành phố mô phỏng không có điểm nóng nào, nó vẫn xếp bảy đến chín phần mười số "
        "phản ánh vào các cụm rộng từ 30 m đến 4 km. Tỷ lệ đó đổi theo dữ liệu, nên cụm của hai "
        "ngày không so sánh được với nhau. Nó không so với các loại phản ánh khác và không loại "
        "trừ ngẫu nhiên.",
        "en": "HDBSCAN chooses a scale for each place, so thin places become clusters as dense "
        "ones do: on simulated cities without any hotspot it still put seven to nine of ten "
        "reports into clusters 30 m to 4 km wide. That scale changes with the data, so clusters "
        "of two days cannot be compared. It compares with no other category and rules out no "
        "chance.",
    },
    "gi_star": {
        "vi": "Gi* so mỗi ô với trung bình của cả thành phố, nên nơi đông dân nổi lên ở mọi loại "
        "phản ánh; các ô cạnh nhau phụ thuộc lẫn nhau và số đếm không theo phân phối chuẩn, nên z, "
        "p và q đẹp hơn sự thật. Dù đã giới hạn tỷ lệ sai (FDR), trên các thành phố mô phỏng không "
        "có điểm nóng nào nó vẫn đánh dấu khoảng 340 trong 10.000 ô của mỗi loại.",
        "en": "Gi* compares each cell with the mean of the whole city, so where many live stands "
        "out in every category; neighbouring cells depend on each other and counts are not normal, "
        "so z, p and q look better than the truth. Though the rate of false ones is limited (FDR), "
        "on simulated cities without any hotspot it still flagged about 340 of 10,000 cells of "
        "each category.",
    },
}


def warning(method: Method) -> dict[str, str]:
    """`{vi, en}`: what the method gets wrong, and that reports are taken as they are."""
    return {lang: said + _AS_THEY_ARE[lang] for lang, said in _WARNINGS[method].items()}
