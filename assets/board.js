// Live updates. Every page works without this file.
"use strict";

(function () {
  const region = document.querySelector("[data-live]");
  const sign = document.querySelector("[data-live-sign]");
  const teller = document.querySelector("[data-live-said]");

  // After a form that was refused the reader begins at what is wrong with it.
  const summary = document.querySelector("[data-summary]");
  if (summary) summary.focus();

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // What is under way is drawn anew until it is done with.
  async function poll() {
    const here = document.querySelector("[data-poll]");
    const answer = await fetch(window.location.href, { credentials: "same-origin" }).catch(() => null);
    if (answer && (answer.redirected || answer.status === 404)) return window.location.reload();
    const drawn = answer && answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-poll]");
    if (drawn) here.replaceWith(drawn);
    if (!drawn || drawn.dataset.poll === "on") setTimeout(poll, drawn ? 400 : 2000);
  }
  if (document.querySelector('[data-poll="on"]')) setTimeout(poll, 400);

  if (!region || !sign || !window.EventSource) return;

  let waiting = null;
  let lastDrawn = 0;
  // Position of the last change heard of; the page is asked for from a node that shows it.
  let heard = "0";

  async function redraw() {
    waiting = null;
    // Whoever is filling in a form is not interrupted.
    if (region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
    lastDrawn = Date.now();
    const headers = { "Warnlight-Position": heard };
    const answer = await fetch(window.location.href, { credentials: "same-origin", headers });
    if (answer.status === 503) return soon();
    if (!answer.ok || answer.redirected) return window.location.reload();
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (!drawn || drawn.innerHTML === region.innerHTML) return;
    const focused = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    region.replaceChildren(...drawn.childNodes);
    if (focused) {
      const again = Array.from(region.querySelectorAll("a")).find((link) => link.getAttribute("href") === focused);
      if (again) again.focus({ preventScroll: true });
    }
    teller.textContent = teller.dataset.text;
  }

  function soon() {
    // A burst of changes is drawn once, and at most once in two seconds.
    if (waiting === null) waiting = setTimeout(redraw, Math.max(150, 2000 - (Date.now() - lastDrawn)));
  }

  const feed = new EventSource("/api/v1/live");
  feed.addEventListener("open", () => {
    sign.hidden = false;
    sign.classList.remove("is-off");
    sign.textContent = sign.dataset.on;
  });
  feed.addEventListener("light", (change) => {
    heard = change.lastEventId;
    soon();
  });
  feed.addEventListener("error", () => {
    // A feed that was refused does not come again by itself: the session has ended, and the page says so when it is asked for.
    if (feed.readyState === EventSource.CLOSED) soon();
    sign.hidden = false;
    sign.classList.add("is-off");
    sign.textContent = sign.dataset.off;
  });
})();

// Tickets without a credit code are worked off with the keyboard. What a key does, a button or a field of the page does, too.
(function () {
  const queue = document.querySelector("[data-queue]");
  const help = document.querySelector("[data-help]");
  if (!help) return;
  const tickets = queue ? Array.from(queue.querySelectorAll("[data-ticket]")) : [];
  let at = queue ? Number(queue.dataset.at) : 0;
  let sent = false;

  function turnTo(index) {
    if (!tickets.length) return;
    at = Math.min(Math.max(index, 0), tickets.length - 1);
    tickets[at].focus({ preventScroll: true });
    tickets[at].scrollIntoView({ block: "nearest" });
  }

  function fill(field) {
    if (!field) return false;
    field.focus();
    field.select();
    return true;
  }

  const within = (css) => (tickets[at] ? tickets[at].querySelector(css) : null);

  document.addEventListener("focusin", (event) => {
    const index = tickets.findIndex((ticket) => ticket.contains(event.target));
    if (index >= 0) at = index;
  });
  // A key that is held down decides nothing twice.
  document.addEventListener("submit", () => { sent = true; });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.matches("input, textarea, select")) {
      if (event.key === "Escape") turnTo(at);
      return;
    }
    let done = true;
    if (event.key === "j") turnTo(at + 1);
    else if (event.key === "k") turnTo(at - 1);
    else if (event.key === "s") done = fill(within("[data-aside]"));
    else if (event.key === "u") done = fill(within("[data-undo]") || document.querySelector("[data-last] [data-undo]"));
    else if (event.key === "/") done = fill(document.querySelector("[data-search]"));
    else if (event.key === "?") help.open = !help.open;
    else if (/^[1-9]$/.test(event.key)) {
      const button = within(`[data-key="${event.key}"]`);
      done = Boolean(button);
      if (button && !sent && !event.repeat) button.click();
    } else done = false;
    if (done) event.preventDefault();
  });

  if (!document.querySelector("[data-summary]")) turnTo(at);
})();

// Lists are gone through with the keyboard. What a key does, a link or a box of the row does, too.
(function () {
  const help = document.querySelector("[data-keys]");
  if (!help || document.querySelector("[data-help]")) return;
  const hint = document.querySelector("[data-keys-hint]");
  if (hint) hint.hidden = false;
  help.querySelector("[data-close]").addEventListener("click", () => help.close());

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    const rows = Array.from(document.querySelectorAll("[data-list] tbody tr"));
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const turnTo = (index) => {
      const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
      const link = row && (row.querySelector("[data-open]") || row.querySelector("a, button, input"));
      if (!link) return;
      link.focus({ preventScroll: true });
      row.scrollIntoView({ block: "nearest" });
    };
    const within = (css) => (rows[at] ? rows[at].querySelector(css) : null);
    const search = document.querySelector("[data-search]");
    let done = true;
    if (event.key === "?") help.open ? help.close() : help.showModal();
    else if (help.open) done = false;
    else if (event.key === "j") turnTo(at + 1);
    else if (event.key === "k") turnTo(at - 1);
    else if (event.key === "o" && within("[data-open], a")) within("[data-open], a").click();
    else if (event.key === "x" && within("input[type=checkbox]")) within("input[type=checkbox]").click();
    else if (event.key === "/" && search) search.select();
    else done = false;
    if (done) event.preventDefault();
  });
})();

// How many days ahead a planned day lies, while it is chosen. The service says the same when the notice is sent.
for (const field of document.querySelectorAll("[data-ahead]")) {
  const told = document.getElementById(field.dataset.ahead);
  field.addEventListener("input", () => {
    const days = Math.round((Date.parse(field.value) - Date.parse(told.dataset.today)) / 86400000);
    const short = told.dataset.marks.split(" ").filter(Boolean).map(Number).filter((mark) => days < mark);
    const text = short.length ? told.dataset.short : told.dataset.fine;
    told.textContent = Number.isNaN(days) ? "" : text.replace("{days}", days).replace("{mark}", short.join("/"));
    told.classList.toggle("left-soon", short.length > 0);
  });
}
