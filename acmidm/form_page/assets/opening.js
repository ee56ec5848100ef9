"use strict";
// What somebody opens: a form, an organisation, a public key, or what this page saved. It goes into the fields of the page.
// All values are texts: 0207451227 stays what it is.
const isPrivate = (value, seen = new Set()) => {
  if (typeof value !== "object" || value === null || seen.has(value)) return false; // an alias is looked at once
  seen.add(value);
  return Object.entries(value).some(([name, part]) => limits.privateMembers.includes(name) || isPrivate(part, seen));
};
const KINDS = ["kty", "form", "application", "name"];
const open = async (file) => {
  const text = file.size > limits.mostBytes ? "" : await file.text().catch(() => "");
  by("file").value = "";
  let given = null;
  try {
    given = jsyaml.load(text, { schema: jsyaml.FAILSAFE_SCHEMA });
  } catch { /* it is no YAML */ }
  const kind = KINDS.find((name) => Object.hasOwn(Object(given), name));
  const refused = text.includes("PRIVATE KEY") || isPrivate(given) ? "private" : kind ? "" : "unknown";
  if (refused) return notice(by("opened"), "bad", ...paragraphs(say(`form_page.refused.${refused}`)));
  const told = [say("form_page.opened", { file: file.name })];
  if (kind === "kty") await takeKey(environment(), given);
  if (kind === "name" || kind === "form") fillOrganisation(kind === "form" ? Object(given.organisation) : given);
  if (kind === "application" || kind === "form") told.push(...fillForm(kind === "form" ? Object(given.form) : given));
  if (kind === "form") {
    keys = {};
    for (const [name, request] of Object.entries(opened)) {
      for (const file of texts(Object(request).jwks).split("\n")) await takeKey(name, Object(given.keys)[file]);
      delete Object(request).jwks; // the file has these keys in itself
    }
  }
  by("done").replaceChildren();
  propose();
  show();
  return notice(by("opened"), "good", ...paragraphs(...told));
};
const takeKey = async (name, given) => {
  if (!Object.hasOwn(REQUIRED, Object(given).kty) || !globalThis.crypto?.subtle) return;
  const [own, exp] = [await thumbprint(given), Number(given.exp)];
  const publicKey = { ...given, kid: text(given.kid) || own, ...(exp && { exp }) };
  keys[name] = { publicKey, thumbprint: own, isSaved: true };
};
const text = (value) => (typeof value === "string" ? value : "");
const texts = (value) => (Array.isArray(value) ? value : [value]).map(text).join("\n");
const fillOrganisation = (organisation) => {
  for (const id of ["name", "ovo", "kbo"]) by(id).value = text(organisation[id]);
};
// Of a form; what every form has and the page does not change is not worth a word.
const KNOWN = ["application", "contacts", "environments", "platforms", "token_endpoint_auth_method"];
const fillForm = (given) => {
  by("application").value = text(given.application);
  by("contacts").value = texts(given.contacts);
  opened = Object(given.environments);
  const hasSecret = text(given.token_endpoint_auth_method).startsWith("client_secret");
  ofAll = given.keys_of ? "supplier" : hasSecret ? "secret" : "";
  const first = [...form.elements.environment].map((radio) => radio.value).find((name) => name in opened);
  if (first && !(environment() in opened)) form.elements.environment.value = first;
  const kept = Object.keys(given).filter((name) => !KNOWN.includes(name));
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
    by(`until-${box.value}`).value = text(scope?.until);
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
