"use strict";
// The page works without this script, which shows a release under the picture while it has the focus or the pointer,
// and opens the release in the list that a link leads to.
(() => {
  const panel = document.getElementById("panel");
  const target = (mark) => document.getElementById(decodeURIComponent(mark.getAttribute("href").slice(1)));
  const show = (mark) => {
    const item = target(mark);
    if (!item || !panel) return;
    const lane = mark.getAttribute("aria-label").split(",")[0];
    const title = document.createElement("p");
    title.className = "title";
    title.textContent = lane;
    const parts = [title, item.querySelector(".state"), item.querySelector(".what"), item.querySelector(".reason"), item.querySelector("dl")];
    panel.replaceChildren(...parts.filter(Boolean).map((part) => part.cloneNode(true)));
    // It repeats what the list has: nothing in it is to be reached by keyboard.
    for (const link of panel.querySelectorAll("a")) link.replaceWith(...link.childNodes);
    panel.hidden = false;
  };
  for (const mark of document.querySelectorAll(".mark")) {
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("mouseenter", () => show(mark));
  }
  const open = () => {
    const item = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = item && item.querySelector("details");
    if (!details) return;
    details.open = true;
    details.querySelector("summary").focus({preventScroll: true});
    item.scrollIntoView({block: "center"});
  };
  addEventListener("hashchange", open);
  open();
})();
