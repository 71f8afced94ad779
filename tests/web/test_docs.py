from urllib.parse import urlsplit

import pytest


def test_the_api_documents_itself_without_asking_anybody_else(service, opened):
    page = opened(service, "/docs", size={"width": 1280, "height": 800})
    page.get_by_text("/api/v1/wards/at").first.wait_for()
    page.wait_for_load_state("networkidle")
    hosts = {urlsplit(r.url).netloc for r in page.asked if r.url.startswith("http")}
    assert hosts == {urlsplit(service.base).netloc}
    assert page.complaints == []


def test_what_somebody_slips_into_a_page_is_not_run(service, opened):
    page = opened(service, "/")
    page.evaluate(
        """() => {
          const slip = (make) => document.body.append(make());
          slip(() => Object.assign(document.createElement('script'), { text: 'window.ran = 1' }));
          slip(() => Object.assign(document.createElement('script'), {
            src: 'data:text/javascript,window.ran = 2' }));
          document.body.insertAdjacentHTML('beforeend', '<img src="" onerror="window.ran = 3">');
        }"""
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") is None
    refused = [text for text in page.complaints if "Content Security Policy" in text]
    assert len(refused) >= 3


@pytest.mark.parametrize("with_policy", [True, False])
def test_no_other_site_can_put_a_page_in_a_frame(service, opened, chromium, with_policy):
    outside = chromium.new_context().new_page()
    framing = f'<iframe src="{service.base}/"></iframe>'
    outside.route(
        "http://localhost:1/", lambda route: route.fulfill(content_type="text/html", body=framing)
    )
    if not with_policy:
        # To see that it is the policy that keeps it out.
        body = service.http.get("/").text
        outside.route(
            f"{service.base}/", lambda route: route.fulfill(content_type="text/html", body=body)
        )
    outside.goto("http://localhost:1/")
    outside.wait_for_timeout(1000)
    assert outside.frames[1].locator("#app").count() == (0 if with_policy else 1)
    outside.context.close()
