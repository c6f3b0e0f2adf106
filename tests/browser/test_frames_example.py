"""examples/frames.mjs with a camera, as a page of somebody else would use it."""

from __future__ import annotations

from playwright.sync_api import Browser, Route

from lab.common.backend import ServiceProcess
from src.config.settings import PROJECT_ROOT

RECORD_AND_PREDICT = """async () => {
  const { predict, record } = await import("/examples/frames.mjs");
  const video = document.createElement("video");
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  await video.play();
  const frames = await record(video, () => ({ score: 0.9, box: { x: 160, y: 60, w: 320, h: 360 } }));
  return { taken: frames.length, answer: await predict(location.origin, frames) };
}"""


def test_the_camera_is_recorded_and_the_sharpest_frames_are_answered(browser: Browser, service: ServiceProcess) -> None:
    def example(route: Route) -> None:
        route.fulfill(
            path=PROJECT_ROOT / "examples" / route.request.url.rpartition("/")[2], content_type="text/javascript"
        )

    # The page is only there to have an origin; its policy is not the example's.
    context = browser.new_context(permissions=["camera"], bypass_csp=True)
    page = context.new_page()
    page.route("**/examples/*.mjs", example)
    page.goto(f"http://127.0.0.1:{service.port}/docs")
    outcome = page.evaluate(RECORD_AND_PREDICT)
    context.close()

    assert outcome["taken"] == 12
    assert [outcome["answer"]["body"][side]["frames_seen"] for side in ("left_eye", "right_eye")] == [5, 5]
