"use strict";
// What is wrong with what somebody filled in, by the rules and in the sentences of the loader, which checks it again.
const limits = facts.limits;
const INVISIBLE = new RegExp(limits.invisible, "u");
const ODD = /[\p{C}\p{Z}]/u;
const isVisible = (text) => text === text.trim() && !ODD.test(text.replaceAll(" ", "")) && !INVISIBLE.test(text);
const isWhole = (pattern, text) => new RegExp(`^(?:${pattern})$`, "u").test(text);
const shape = (kind, values) => `${say(`shape.${kind}`, values)}; ${say(`shape.${kind}.remedy`, values)}`;

const oneLine = (text, most) => {
  if ([...text].length > most) return shape("string_too_long", { max_length: most });
  return isVisible(text) ? null : shape("not_one_line");
};

const LATIN = /(?=\p{Script=Latin})[\0-\u024f\u1e00-\u1eff]/u;
const isOfNames = (char) =>
  char <= "\x7f" || (LATIN.test(char) && char.normalize("NFKC") === char) || limits.punctuation.includes(char);
const official = (name) => {
  const odd = [...name.normalize("NFC")].find((char) => !isOfNames(char));
  return odd === undefined ? null : say("problems.name.not_latin", { text: quoted(name), char: odd });
};

const kboDigits = (text) => text.replace(new RegExp(limits.aroundKbo, "g"), "");
const kboMistake = (text) => {
  const digits = kboDigits(text);
  if (!isWhole("[0-9]{10}", digits)) return say("problems.code.no_kbo", { text: quoted(text) });
  if (!"01".includes(digits[0])) return say("problems.code.kbo_start", { text, digit: digits[0] });
  const [due, last] = [97 - (Number(digits.slice(0, 8)) % 97), digits.slice(8)];
  return Number(last) === due ? null : say("problems.code.kbo_check", { text, digits: last, due });
};

const ofOrganisation = function* ({ name, ovo, kbo }) {
  yield ["name", name === undefined ? shape("missing") : oneLine(name, limits.longestName) ?? official(name)];
  if (ovo !== undefined && !isWhole(limits.ovo, ovo)) yield ["ovo", say("problems.code.no_ovo", { text: quoted(ovo) })];
  if (kbo !== undefined) yield ["kbo", kboMistake(kbo)];
  if (ovo !== undefined) return;
  if (kbo === undefined) yield ["ovo", say("form_page.no_code")];
  else if (kboDigits(kbo) === limits.sharedKbo) yield ["kbo", say("problems.code.kbo_shared")];
};

const ofApplication = function* ({ application = "", contacts = [] }) {
  const named = { text: quoted(application) };
  const isName = isWhole(limits.application, application) && application.length <= limits.longestApplication;
  if (application === "") yield ["application", shape("missing")];
  else if (!isName) yield ["application", say("problems.name.no_application", named)];
  else if (application === limits.reserved) yield ["application", say("problems.name.of_platform", named)];
  if (contacts.length === 0) yield ["contacts", shape("too_short")];
  if (contacts.length > limits.mostContacts) yield ["contacts", shape("too_long", { max_length: limits.mostContacts })];
  for (const text of contacts) {
    const isAddress = isWhole(limits.address, text) && [...text].length <= limits.longestAddress && isVisible(text);
    if (!isAddress) yield ["contacts", say("problems.name.no_mail_address", { text: quoted(text) })];
  }
};

// Of a product's JSON Schema what the catalogue uses; a pattern that this browser cannot read is left to the loader.
const ofValue = function* (schema, value) {
  const configuration = (keyword) => say(`configuration.${keyword}`);
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) yield configuration("minItems");
    if (value.length > (schema.maxItems ?? Infinity)) yield configuration("maxItems");
    if (schema.uniqueItems && new Set(value).size < value.length) yield configuration("uniqueItems");
    for (const item of value) yield* ofValue(schema.items ?? {}, item);
  } else if (schema.enum && !schema.enum.includes(value)) {
    yield say("configuration.unknown_value", { value: quoted(value) });
  } else if (typeof value === "string") {
    if ([...value].length < (schema.minLength ?? 0)) yield configuration("minLength");
    if ([...value].length > (schema.maxLength ?? Infinity)) yield configuration("maxLength");
    if (!matches(schema.pattern, value)) yield say("configuration.pattern_of_value", { value: quoted(value) });
    if (!isVisible(value)) yield shape("not_one_line");
  }
};
const matches = (pattern, text) => {
  try {
    return pattern === undefined || new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
};

// A day of the calendar, from the year 1 on; in place of 30 February a browser takes 1 March.
const isDay = (text) => {
  const at = new Date(`${text}T00:00:00Z`);
  return isWhole("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) && text >= "0001" && !isNaN(at) && at.toISOString().startsWith(text);
};

const ofRequest = function* ({ scopes = {}, products = {} }) {
  if (Object.keys(scopes).length === 0) yield ["scopes", say("form_page.no_scope")];
  for (const [name, { reason = "", until }] of Object.entries(scopes)) {
    yield [`reason-${name}`, oneLine(reason, limits.longestReason)];
    if (until !== undefined && !isDay(until)) yield [`until-${name}`, say("problems.name.no_day", { value: quoted(until) })];
  }
  for (const [product, configuration] of Object.entries(products)) {
    const schema = facts.products[product];
    for (const [name, part] of Object.entries(schema.properties ?? {})) {
      const isMissing = configuration[name] === undefined;
      if (isMissing && schema.required?.includes(name)) yield [`${product}.${name}`, shape("missing")];
      if (isMissing) continue;
      const described = facts.texts[language][`new.field.${product}.${name}`] ?? part.description;
      const remedy = say("configuration.give", { description: described[0].toLowerCase() + described.slice(1) });
      for (const sentence of ofValue(part, configuration[name])) yield [`${product}.${name}`, `${sentence}; ${remedy}`];
    }
  }
};

// Yields the id of a field and a sentence, for each mistake in a document.
const mistakesIn = function* ({ organisation, form }) {
  const [request] = Object.values(form.environments);
  for (const found of [ofOrganisation(organisation), ofApplication(form), ofRequest(request)]) {
    for (const [id, sentence] of found) if (sentence) yield [id, sentence];
  }
};
