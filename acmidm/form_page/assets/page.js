"use strict";
// The page: the form's fields are all that it knows, beside a public key per environment and what was opened last.
const by = (id) => document.getElementById(id);
const form = by("form");
const boxes = [...form.querySelectorAll("input[name=scope]")];
const fields = [...form.querySelectorAll("[data-field]")];
let keys = {}; // per environment: the public key and its thumbprint, the private one's file and whether that is encrypted
let opened = {}; // the environments of the form that was opened
let ofAll = ""; // what all of these authenticate with in place of keys in the form: those of a supplier, or a secret
let isSaved = true;

const make = (tag, attributes, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
};
const notice = (place, kind, ...children) =>
  place.replaceChildren(make("div", { className: `notice ${kind}` }, ...children));
const paragraphs = (...texts) => texts.map((text) => make("p", {}, text));

// While something takes its time, no button of the form can be pressed: the file would be made of half of it.
let running = 0;
const waitFor = async (task) => {
  const count = (change) => {
    running += change;
    for (const button of form.querySelectorAll("button")) button.disabled = running > 0;
  };
  count(1);
  try {
    await task();
  } finally {
    count(-1);
  }
};

const productOf = (node) => node.closest("details").dataset.product;
const environment = () => form.elements.environment.value;
const key = () => keys[environment()] ?? {};
// What the connection goes on with by the form that was opened; empty where it has no keys there.
const keeps = () => {
  const request = Object(opened[environment()]);
  if (ofAll) return ofAll;
  return Object.hasOwn(request, "jwks_uri") ? "address" : Object.hasOwn(request, "jwks") ? "form" : "";
};
const needsKey = () => !key().publicKey && !keeps();
const items = (text) => text.split(/[\n,]/).map((line) => line.trim()).filter(Boolean);
const BOOLEANS = { true: true, false: false };

const valueOf = (field) => {
  const { type = "" } = facts.products[productOf(field)].properties[field.dataset.field];
  if (field.tagName === "FIELDSET") return [...field.querySelectorAll(":checked")].map((box) => box.value);
  const text = field.value.trim();
  if (type === "array") return items(text);
  return type.includes("boolean") && Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : text;
};

// What is filled in, as the file has it; what is empty is left out.
const withoutEmpty = (values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value.length !== 0));
const keyName = () => `${by("application").value.trim() || "sleutel"}-${environment()}`;
const collected = () => {
  const [name, ovo, kbo, application] = ["name", "ovo", "kbo", "application"].map((id) => by(id).value.trim());
  const contacts = items(by("contacts").value);
  const { publicKey } = key();
  const request = publicKey ? { jwks: [`${keyName()}.jwk.json`], scopes: {} } : { scopes: {} };
  const ticked = boxes.filter((box) => box.checked);
  for (const { value } of ticked) {
    const reason = by(`reason-${value}`).value.trim().replace(/\s+/g, " "); // as reports show it
    request.scopes[value] = withoutEmpty({ reason, until: by(`until-${value}`).value.trim() });
  }
  const configured = ticked.map(productOf).filter((product) => Object.hasOwn(facts.products, product));
  if (configured.length) request.products = Object.fromEntries(configured.map((product) => [product, {}]));
  for (const field of fields.filter((one) => configured.includes(productOf(one)))) {
    Object.assign(request.products[productOf(field)], withoutEmpty({ [field.dataset.field]: valueOf(field) }));
  }
  return {
    organisation: { ...withoutEmpty({ name, ovo, kbo }), language },
    form: { ...withoutEmpty({ application, contacts }), environments: { [environment()]: request } },
    ...(publicKey && { keys: { [request.jwks[0]]: publicKey } }),
  };
};

// What is wrong with the end of a public key, empty where nothing is.
const LATEST = 253_370_764_800; // the year 9999, as the loader has it
const endMistake = ({ exp }) => {
  if (exp === undefined) return "";
  if (!(typeof exp === "number" && exp > 0 && exp < LATEST)) {
    return say("problems.jwk.the_key", { sentence: say("problems.jwk.exp") });
  }
  const end = new Date(exp * 1000);
  return end > new Date() ? "" : say("form_page.key.ended", { day: day(end) });
};
const sentenceOf = (text) => text[0].toUpperCase() + text.slice(1);
const endOf = ({ exp }) =>
  exp === undefined ? say("keys.endless") : say("keys.ends", { day: day(new Date(exp * 1000)) });
// A kid is a name that whoever made the file chose. What is confirmed is the thumbprint of the key itself.
const aboutKey = () => {
  const { publicKey, thumbprint: own } = key();
  if (!publicKey) return [say("form_page.key.none"), ...(keeps() ? [say(`form_page.key.keeps.${keeps()}`)] : [])];
  const mistake = endMistake(publicKey);
  const made = mistake ? `${sentenceOf(mistake)}.` : say("form_page.key.made", { until: endOf(publicKey) });
  const named = publicKey.kid === own ? [] : [say("form_page.key.named", { kid: quoted(publicKey.kid) })];
  return [made, say("form_page.key.thumbprint", { thumbprint: own }), ...named];
};
const show = () => {
  for (const node of form.querySelectorAll("[data-environments]")) {
    node.hidden = !node.dataset.environments.split(" ").includes(environment());
    if (node.hidden) for (const box of node.querySelectorAll("[name=scope]")) box.checked = false;
  }
  for (const box of boxes) box.closest(".scope").querySelector("div").hidden = !box.checked;
  for (const part of form.querySelectorAll(".configuration")) {
    part.hidden = !part.querySelector("[data-field]") || !part.parentNode.querySelector("[name=scope]:checked");
  }
  by("passphrases").hidden = by("format").value !== "encrypted";
  by("without-key").hidden = !needsKey();
  by("key-making").hidden = !["", "form"].includes(keeps()); // a key beside what stays would be a mistake
  const { publicKey, file, kind } = key();
  const told = file ? [say("form_page.key.file", { sentence: say(`keys.${kind}`, { file }) })] : [];
  const look = endMistake(publicKey ?? {}) ? "bad" : "good";
  notice(by("key-state"), publicKey ? look : "", ...paragraphs(...aboutKey(), ...told));
};

// Most organisations have the value that the catalogue proposes; what a person typed stays.
const propose = () => {
  const ovo = by("ovo").value.trim();
  for (const field of fields.filter((one) => one.dataset.proposed)) {
    const proposed = isWhole(limits.ovo, ovo) ? field.dataset.proposed.replace("{ovo}", ovo) : "";
    if (field.value === (field.dataset.filled ?? "")) field.value = field.dataset.filled = proposed;
  }
};

const mistakes = () => {
  const found = [...mistakesIn(collected())];
  if (needsKey() && !by("keyless").checked) found.push(["keyless", say("form_page.no_key")]);
  const ofKey = endMistake(key().publicKey ?? {});
  if (ofKey) found.push(["key", ofKey]);
  return found;
};
const unmarkCorrected = () => {
  const wrong = new Set(mistakes().map(([id]) => id));
  for (const node of form.querySelectorAll("[aria-invalid]")) {
    if (wrong.has(node.id)) continue;
    node.removeAttribute("aria-invalid");
    const sentence = by(`${node.id}-mistake`);
    sentence.style.minHeight = `${sentence.offsetHeight}px`; // what is below stays, or a click on it would miss
    sentence.textContent = "";
  }
};
const mark = (found) => {
  for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
  for (const node of form.querySelectorAll(".mistake")) Object.assign(node, { hidden: true, textContent: "", style: "" });
  by("mistakes").hidden = found.length === 0;
  const label = (id) => (by(id).labels?.[0] ?? by(id)).querySelector("span").textContent;
  for (const [id, sentence] of found) {
    by(id).setAttribute("aria-invalid", "true");
    Object.assign(by(`${id}-mistake`), { hidden: false, textContent: sentence });
    const below = by(id).closest("details");
    if (below) below.open = true;
  }
  if (found.length === 0) return;
  const heading = say(`form_page.mistakes.${found.length === 1 ? "one" : "many"}`, { count: found.length });
  const links = found.map(([id, sentence]) => {
    const link = make("a", { href: `#${id}` }, ["scopes", "keyless", "key"].includes(id) ? sentence : `${label(id)}: ${sentence}`);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      by(id).focus();
    });
    return make("li", {}, link);
  });
  by("mistakes").replaceChildren(make("h2", {}, heading), make("ul", {}, ...links));
};

const save = (name, text) => {
  const link = make("a", { href: URL.createObjectURL(new Blob([text])), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};
const saveDocument = (document_, ...draft) => {
  const name = `${["aansluiting", document_.form.application, ...draft].filter(Boolean).join("-")}.yaml`;
  const text = jsyaml.dump(document_, { forceQuotes: true, quotingType: '"', lineWidth: -1, noRefs: true });
  save(name, `# ${say(draft.length ? "form_page.file.draft" : "form_page.file.comment")}\n${text}`);
  isSaved = key().isSaved = true;
  return name;
};

const keyMistakes = (format, passphrase) => {
  if (format !== "encrypted") return [];
  if ([...passphrase].length < limits.shortest) return [["passphrase", say("form_page.passphrase_short", limits)]];
  return passphrase === by("again").value ? [] : [["again", say("form_page.passphrases_differ")]];
};
by("make-key").addEventListener("click", async () => {
  const [alg, format, passphrase] = ["algorithm", "format", "passphrase"].map((id) => by(id).value);
  const found = keyMistakes(format, passphrase);
  mark(found);
  const name = environment();
  if (found.length) return by(found[0][0]).focus();
  if (key().publicKey && !confirm(say("form_page.key.replace", key()))) return;
  by("key-state").textContent = say("form_page.key.working");
  try {
    await waitFor(async () => {
      const made = await makeKey(alg, format, passphrase);
      const file = `${keyName()}.private.${format === "jwk" ? "jwk.json" : "pem"}`;
      save(file, made.text);
      keys[name] = { publicKey: made.publicKey, thumbprint: made.publicKey.kid, file, kind: format === "encrypted" ? "private" : "unencrypted" };
      for (const id of ["passphrase", "again"]) by(id).value = "";
    });
  } finally {
    by("make-key").focus();
    show();
    by("key-state").scrollIntoView({ block: "nearest" });
  }
});
by("passphrases").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  by("make-key").click();
});
by("keep").addEventListener("click", () => {
  notice(by("done"), "good", ...paragraphs(say("form_page.kept", { file: saveDocument(collected(), say("form_page.draft")) })));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const found = mistakes();
  mark(found);
  by("done").replaceChildren();
  if (found.length) return by("mistakes").focus();
  const heading = make("h3", {}, say("form_page.done", { file: saveDocument(collected()) }));
  const ofKey = key().publicKey ? [say("form_page.done.private")] : [];
  const proof = environment() === "prod" ? [say("form_page.done.production")] : [];
  const told = [say("form_page.done.mail"), ...aboutKey(), ...ofKey, ...proof, say("form_page.done.next")];
  notice(by("done"), "good", heading, ...paragraphs(...told));
  by("done").focus();
});
form.addEventListener("input", ({ target }) => {
  if (target.id !== "file") isSaved = false;
  by("done").replaceChildren();
});
addEventListener("beforeunload", (event) => {
  if (!isSaved || Object.values(keys).some((one) => !one.isSaved)) event.preventDefault();
});
form.addEventListener("change", ({ target }) => {
  if (target.name === "environment" && environment() in opened) fillRequest();
  if (target.id === "ovo") propose();
  show();
  unmarkCorrected();
});
by("file").addEventListener("change", ({ target }) => target.files.length && waitFor(() => open(target.files[0])));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      const [file] = event.dataTransfer.files;
      waitFor(() => open(file));
    }
  });
}
by("language").addEventListener("click", () => {
  language = language === "nl" ? "en" : "nl";
  mark([]);
  for (const id of ["opened", "done"]) by(id).replaceChildren();
  translate();
  show();
});
if (!globalThis.crypto?.subtle) by("key-making").replaceChildren(...paragraphs(say("form_page.key.impossible")));
translate();
show();
