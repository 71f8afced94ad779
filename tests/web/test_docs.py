from urllib.parse import urlsplit


def test_the_api_documents_itself_without_asking_anybody_else(service, opened):
    page = opened(service, "/docs", size={"width": 1280, "height": 800})
    page.get_by_text("/api/v1/wards/at").first.wait_for()
    page.wait_for_load_state("networkidle")
    hosts = {urlsplit(r.url).netloc for r in page.asked if r.url.startswith("http")}
    assert hosts == {urlsplit(service.base).netloc}
    assert page.complaints == []
