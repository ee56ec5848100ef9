"use strict";
// The sentences of the loader, in the language of the reader, as str.format of Python fills them in.
const facts = JSON.parse(document.getElementById("facts").textContent);
const wanted = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in facts.texts);
let language = wanted ?? "nl";

const BLANK = /\{\{|\}\}|\{(\w+)(?::0(\d)d)?\}/g;
const say = (name, values = {}) =>
  facts.texts[language][name].replace(BLANK, (found, blank, width) =>
    blank === undefined ? found[0] : String(values[blank]).padStart(width ?? 0, "0"));
const quoted = (text) => (text.length > 80 ? `"${text.slice(0, 79)}…"` : `"${text}"`);
const day = (at) => `${at.getDate()} ${say(`form_page.month.${at.getMonth() + 1}`)} ${at.getFullYear()}`;

const translate = () => {
  document.documentElement.lang = language;
  document.title = say("form_page.title");
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say, facts.limits);
  for (const node of document.querySelectorAll("[data-nl]")) node.textContent = node.dataset[language];
};
