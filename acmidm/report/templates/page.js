"use strict";
(() => {
  const form = document.querySelector(".filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("[data-words]")];
  const left = (row) => (row.dataset.days ? Number(row.dataset.days) : Infinity);
  let order = "";
  const told = document.getElementById("told");
  const value = (name) => (form.elements[name] ? form.elements[name].value : "");
  const show = () => {
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    const environment = value("environment"), scope = value("scope"), days = value("days");
    let shown = 0;
    for (const row of rows) {
      const own = row.dataset;
      row.hidden = !(words.every((word) => own.words.includes(word))
        && (!environment || own.environment === environment)
        && (!scope || own.scopes.split(" ").includes(scope))
        && (!days || left(row) <= Number(days)));
      if (!row.hidden) shown += 1;
    }
    if (value("order") !== order) {
      order = value("order");
      // Equal ones keep the order that the page came with.
      const sorted = order ? [...rows].sort((one, other) => (left(one) === left(other) ? 0 : left(one) - left(other))) : rows;
      for (const row of sorted) row.parentNode.append(row);
    }
    told.textContent = `${shown} of ${rows.length} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
})();
