"use strict";
const notice = document.getElementById("status");
// Each value to copy has a button, where the browser lets a page do that.
for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.value);
    notice.textContent = `${notice.dataset.copied}: ${button.dataset.value}`;
  });
}
(() => {
  const form = document.querySelector(".filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("[data-words]")];
  const left = (row) => (row.dataset.days ? Number(row.dataset.days) : Infinity);
  let order = "";
  const value = (name) => (form.elements[name] ? form.elements[name].value : "");
  // As on the command line: a word is found where one begins with it.
  const begins = (text, word) => {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) return true;
    }
    return false;
  };
  const show = () => {
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    const days = value("days"), chosen = [...form.querySelectorAll("select")].filter((field) => field.value && !["days", "order"].includes(field.name));
    let shown = 0;
    for (const row of rows) {
      const own = row.dataset;
      row.hidden = !(words.every((word) => begins(own.words, word))
        && chosen.every((field) => own[field.name].split(" ").includes(field.value))
        && (!days || left(row) <= Number(days)));
      if (!row.hidden) shown += 1;
    }
    if (value("order") !== order) {
      order = value("order");
      // Equal ones keep the order that the page came with.
      const sorted = order ? [...rows].sort((one, other) => (left(one) === left(other) ? 0 : left(one) - left(other))) : rows;
      for (const row of sorted) row.parentNode.append(row);
    }
    for (const card of document.querySelectorAll(".board .card")) card.hidden = !card.querySelector("[data-words]:not([hidden])");
    for (const count of document.querySelectorAll(".count")) {
      count.textContent = count.closest(".step").querySelectorAll(".card:not([hidden])").length;
    }
    notice.textContent = notice.dataset.shown.replace("{shown}", shown).replace("{all}", rows.length);
  };
  // The filters are in the address, so that a view can be kept and sent.
  const fields = [...form.elements].filter((field) => field.name);
  const keep = () => {
    show();
    const filled = new URLSearchParams(fields.filter((field) => field.value).map((field) => [field.name, field.value]));
    history.replaceState(null, "", `#${filled}`);
  };
  const follow = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    if (location.hash && !location.hash.includes("=")) return; // a place on the page
    for (const field of fields) {
      field.value = given.get(field.name) || "";
      if (field.selectedIndex === -1) field.selectedIndex = 0; // what the page does not know
    }
    show();
  };
  form.addEventListener("input", keep);
  form.addEventListener("reset", () => setTimeout(keep));
  addEventListener("hashchange", follow);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
  follow();
})();
