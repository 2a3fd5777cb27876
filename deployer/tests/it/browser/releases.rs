//! The page of `history --html` in a real browser, in a frame as wide as a phone and as wide as a desk: what it loads, what it
//! complains of, what a keyboard reaches and a screen reader names.

use deployer::ledger::Release;
use deployer::report::{Lane, Page, Repository};
use serde_json::{Value, json};

use super::page::framed;

/// What a frame shows at a width, and what the keyboard does in it.
const SCRIPT: &str = r##"
const look = (width) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 740; frame.src = "/document";
  frame.onload = async () => {
    const page = frame.contentDocument, view = frame.contentWindow;
    const reached = [...page.querySelectorAll("a[href], summary, [tabindex]")];
    const name = (element) => element.getAttribute("aria-label") || element.textContent.trim();
    const ids = [...page.querySelectorAll("[id]")].map((element) => element.id);
    const marks = [...page.querySelectorAll(".mark")];
    const seen = {
      overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
      nameless: reached.filter((element) => !name(element)).map((element) => element.outerHTML),
      unreachable: reached.filter((element) => element.tabIndex < 0).length,
      twice: ids.filter((id, index) => ids.indexOf(id) !== index),
      dead: [...page.querySelectorAll("a[href^='#'], [aria-labelledby]")]
        .map((element) => element.getAttribute("aria-labelledby") || decodeURIComponent(element.getAttribute("href").slice(1)))
        .filter((id) => !page.getElementById(id)),
      marks: marks.length,
      headings: [...page.querySelectorAll("h1, h2")].map((heading) => heading.textContent),
    };
    const panel = page.getElementById("panel");
    seen.hidden = panel.hidden;
    marks[marks.length - 1].focus();
    seen.focused = page.activeElement === marks[marks.length - 1];
    seen.panel = panel.hidden ? "" : panel.textContent;
    seen.links = panel.querySelectorAll("a").length;
    view.location.hash = marks[marks.length - 1].getAttribute("href");
    await new Promise((later) => setTimeout(later, 300));
    const item = page.getElementById(view.location.hash.slice(1));
    seen.open = item.querySelector("details").open;
    seen.summary = page.activeElement === item.querySelector("summary");
    frame.remove();
    done(seen);
  };
  document.body.append(frame);
});
(async () => {
  const seen = [];
  for (const width of [360, 1280]) seen.push(await look(width));
  await fetch("/seen", {method: "POST", body: JSON.stringify({origin: self.origin, seen})});
})();
"##;

fn release(number: u32, state: &str, began: &str, more: &Value) -> Release {
    let parts = json!({"functions": {}});
    let mut release = json!({
        "number": number, "kind": "deploy", "state": state, "parts": parts, "previous_parts": parts, "previous": number - 1,
        "artifact": {"source_hash": "s", "functions": {}, "commit": "0123456789abcdef"}, "actor": "ada", "fencing_token": 1,
        "started_at": began, "ended_at": began, "run_url": "https://github.com/acme/shop/actions/runs/19486253013",
    });
    for (name, value) in more.as_object().unwrap() {
        release[name] = value.clone();
    }
    serde_json::from_value(release).unwrap()
}

fn page() -> String {
    let long = json!({"reason": format!("alarm `{}` is in ALARM", "shop-production-errors-".repeat(9))});
    let hostile = json!({"actor": "<img src=/stolen>", "reason": "<script src=/stolen></script>", "run_url": "javascript:alert(1)"});
    let from = json!({"kind": "promote", "from": {"environment": "dev", "release": 1}});
    let dev = vec![
        release(3, "live", "2026-11-28T10:00:00Z", &json!({})),
        release(2, "reverted", "2026-11-27T11:00:00Z", &long),
        release(1, "superseded", "2026-01-27T10:00:00Z", &hostile),
    ];
    let prod = vec![release(1, "live", "2026-02-27T10:00:00Z", &from)];
    let lanes = vec![
        Lane::new("dev", dev, 20),
        Lane::new("production-with-a-long-name", prod, 20),
        Lane::unknown("staging", &anyhow::anyhow!("the credentials have expired")),
    ];
    let repository = Repository::of("https://github.com/acme/shop");
    Page::new("shop", lanes, repository, "2026-11-28T13:20:00Z".parse().unwrap()).html()
}

pub(crate) fn the_page_of_releases_is_whole_on_a_phone_and_by_keyboard() {
    let (seen, asked) = framed(&page(), SCRIPT);
    // Nothing else is loaded: twice the page, and what the test itself sends.
    assert_eq!(asked, ["GET /", "GET /document", "GET /document", "POST /seen"]);
    for (seen, width) in seen["seen"].as_array().unwrap().iter().zip([360, 1280]) {
        assert!(seen["overflow"].as_i64().unwrap() <= 0, "{width}: {seen}");
        for empty in ["nameless", "twice", "dead"] {
            assert_eq!(seen[empty], json!([]), "{width}, {empty}: {seen}");
        }
        assert_eq!((&seen["unreachable"], &seen["marks"]), (&json!(0), &json!(4)), "{width}: {seen}");
        assert_eq!(seen["headings"], json!(["Releases of shop", "Live now", "Timeline", "Releases"]));
        assert_eq!(
            (&seen["hidden"], &seen["focused"], &seen["links"]),
            (&json!(true), &json!(true), &json!(0)),
            "{seen}"
        );
        assert!(seen["panel"].as_str().unwrap().contains("production-with-a-long-name 1"), "{width}: {seen}");
        assert_eq!((&seen["open"], &seen["summary"]), (&json!(true), &json!(true)), "{width}: {seen}");
    }
}
