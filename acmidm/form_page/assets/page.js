"use strict";
// The page: the form's fields are all that it knows, beside a public key and what was opened last.
const by = (id) => document.getElementById(id);
const form = by("form");
const boxes = [...form.querySelectorAll("input[name=scope]")];
const fields = [...form.querySelectorAll("[data-field]")];
let publicKey = null;
let privateFile = null; // where the person has it, and whether it is encrypted
let opened = {}; // the environments of the form that was opened

const make = (tag, attributes, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
};
const notice = (place, kind, ...children) =>
  place.replaceChildren(make("div", { className: `notice ${kind}` }, ...children));
const paragraphs = (...texts) => texts.map((text) => make("p", {}, text));

const productOf = (node) => node.closest("details").dataset.product;
const environment = () => form.elements.environment.value;
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
  const request = publicKey ? { jwks: [`${keyName()}.jwk.json`], scopes: {} } : { scopes: {} };
  const ticked = boxes.filter((box) => box.checked);
  for (const { value } of ticked) {
    const reason = by(`reason-${value}`).value.trim().replace(/\s+/g, " "); // as reports show it
    request.scopes[value] = withoutEmpty({ reason });
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
  const until = publicKey?.exp ? say("keys.ends", { day: day(new Date(publicKey.exp * 1000)) }) : say("keys.endless");
  const told = [publicKey ? say("form_page.key.made", { kid: publicKey.kid, until }) : say("form_page.key.none")];
  if (privateFile) told.push(say("form_page.key.file", { sentence: say(`keys.${privateFile.kind}`, privateFile) }));
  by("key-state").replaceChildren(...paragraphs(...told));
};

// Most organisations have the value that the catalogue proposes; what a person typed stays.
const propose = () => {
  const ovo = by("ovo").value.trim();
  for (const field of fields.filter((one) => one.dataset.proposed)) {
    const proposed = isWhole(limits.ovo, ovo) ? field.dataset.proposed.replace("{ovo}", ovo) : "";
    if (field.value === (field.dataset.filled ?? "")) field.value = field.dataset.filled = proposed;
  }
};

const mark = (found) => {
  for (const node of form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
  for (const node of form.querySelectorAll(".mistake")) Object.assign(node, { hidden: true, textContent: "" });
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
    const link = make("a", { href: `#${id}` }, id === "scopes" ? sentence : `${label(id)}: ${sentence}`);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      by(id).focus();
    });
    return make("li", {}, link);
  });
  by("mistakes").replaceChildren(make("h2", {}, heading), make("ul", {}, ...links));
  by("mistakes").focus();
};

const save = (name, text) => {
  const link = make("a", { href: URL.createObjectURL(new Blob([text])), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};
const saveDocument = (document_) => {
  const name = `aansluiting-${document_.form.application ?? "concept"}.yaml`;
  const text = jsyaml.dump(document_, { forceQuotes: true, quotingType: '"', lineWidth: -1, noRefs: true });
  save(name, `# ${say("form_page.file.comment")}\n${text}`);
  return name;
};

// A form, an organisation, a public key, or what this page saved. All values are texts: 0207451227 stays what it is.
const isPrivate = (value, seen = new Set()) => {
  if (typeof value !== "object" || value === null || seen.has(value)) return false; // an alias is looked at once
  seen.add(value);
  return Object.entries(value).some(([name, part]) => limits.privateMembers.includes(name) || isPrivate(part, seen));
};
const KINDS = ["kty", "form", "application", "name"];
const open = async (file) => {
  const text = file.size > limits.mostBytes ? "" : await file.text();
  by("file").value = "";
  let given = null;
  try {
    given = jsyaml.load(text, { schema: jsyaml.FAILSAFE_SCHEMA });
  } catch { /* it is no YAML */ }
  const kind = KINDS.find((name) => Object.hasOwn(Object(given), name));
  const refused = text.includes("PRIVATE KEY") || isPrivate(given) ? "private" : kind ? "" : "unknown";
  if (refused) return notice(by("opened"), "bad", ...paragraphs(say(`form_page.refused.${refused}`)));
  const told = [say("form_page.opened", { file: file.name })];
  if (kind === "kty") await takeKey(given);
  if (kind === "name" || kind === "form") fillOrganisation(kind === "form" ? Object(given.organisation) : given);
  if (kind === "application" || kind === "form") told.push(...fillForm(kind === "form" ? Object(given.form) : given));
  if (kind === "form") {
    publicKey = privateFile = null;
    for (const key of Object.values(Object(given.keys))) await takeKey(key);
  }
  propose();
  show();
  return notice(by("opened"), "good", ...paragraphs(...told));
};
const takeKey = async (key) => {
  if (!Object.hasOwn(REQUIRED, Object(key).kty)) return;
  const exp = Number(key.exp);
  publicKey = { ...key, kid: key.kid ?? (await thumbprint(key)), ...(exp && { exp }) };
  privateFile = null;
};
const text = (value) => (typeof value === "string" ? value : "");
const texts = (value) => (Array.isArray(value) ? value : [value]).map(text).join("\n");
const fillOrganisation = (organisation) => {
  for (const id of ["name", "ovo", "kbo"]) by(id).value = text(organisation[id]);
};
const fillForm = (given) => {
  by("application").value = text(given.application);
  by("contacts").value = texts(given.contacts);
  opened = Object(given.environments);
  const first = [...form.elements.environment].map((radio) => radio.value).find((name) => name in opened);
  if (first && !(environment() in opened)) {
    form.elements.environment.value = first;
    publicKey = privateFile = null; // each environment has a key of its own
  }
  const kept = Object.keys(given).filter((name) => !["application", "contacts", "environments"].includes(name));
  const told = kept.length ? [say("form_page.opened.kept", { names: kept.join(", ") })] : [];
  const unknown = fillRequest();
  return unknown.length ? [...told, say("form_page.opened.unknown", { names: unknown.join(", ") })] : told;
};
// Takes over what the opened form has for the environment that is chosen. Returns what this page does not know.
const fillRequest = () => {
  const { scopes, products } = Object(opened[environment()]);
  const known = new Set();
  for (const box of boxes) {
    const scope = Object.hasOwn(Object(scopes), box.value) ? Object(scopes[box.value]) : null;
    box.checked = scope !== null;
    by(`reason-${box.value}`).value = text(scope?.reason);
    if (box.checked) {
      known.add(box.value);
      box.closest("details").open = true;
    }
  }
  for (const field of fields) {
    const value = Object(Object(products)[productOf(field)])[field.dataset.field];
    if (value !== undefined) known.add(productOf(field));
    const given = texts(value).split("\n");
    for (const box of field.querySelectorAll("input")) box.checked = given.includes(box.value);
    field.value = texts(value);
  }
  return [...Object.keys(Object(scopes)), ...Object.keys(Object(products))].filter((name) => !known.has(name));
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
  if (found.length) return;
  by("make-key").disabled = true;
  by("key-state").textContent = say("form_page.key.working");
  try {
    const key = await makeKey(alg, format, passphrase);
    const file = `${keyName()}.private.${format === "jwk" ? "jwk.json" : "pem"}`;
    save(file, key.text);
    publicKey = key.publicKey;
    privateFile = { file, kind: format === "encrypted" ? "private" : "unencrypted" };
    for (const id of ["passphrase", "again"]) by(id).value = "";
  } finally {
    by("make-key").disabled = false;
    by("make-key").focus();
    show();
  }
});
by("keep").addEventListener("click", () => {
  notice(by("done"), "good", ...paragraphs(say("form_page.kept", { file: saveDocument(collected()) })));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const document_ = collected();
  const found = [...mistakesIn(document_)];
  mark(found);
  by("done").replaceChildren();
  if (found.length) return;
  const heading = make("h3", {}, say("form_page.done", { file: saveDocument(document_) }));
  const ofKey = publicKey ? [say("form_page.done.kid", publicKey), say("form_page.done.private")] : [];
  notice(by("done"), "good", heading, ...paragraphs(say("form_page.done.mail"), ...ofKey, say("form_page.done.next")));
  by("done").focus();
});
form.addEventListener("change", ({ target }) => {
  if (target.name === "environment" && environment() in opened) fillRequest();
  if (target.name === "environment") publicKey = privateFile = null;
  if (target.id === "ovo") propose();
  show();
});
by("file").addEventListener("change", ({ target }) => target.files.length && open(target.files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
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
