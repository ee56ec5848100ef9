"use strict";
// The sentences of the loader, in the language of the reader, as str.format of Python fills them in.
const facts = JSON.parse(document.getElementById("facts").textContent);
const wanted = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in facts.texts);
let language = wanted ?? "nl";

const say = (name, values = {}) => facts.texts[language][name].replace(/\{\{|\}\}|\{(\w+)(?::0(\d)d)?\}/g, (found, blank, width) =>
  blank === undefined ? found[0] : String(values[blank]).padStart(width ?? 0, "0"));
const quoted = (text) => (text.length > 80 ? `"${text.slice(0, 79)}…"` : `"${text}"`);
const day = (moment) => `${moment.getDate()} ${say(`common.month.${moment.getMonth() + 1}`)} ${moment.getFullYear()}`;

const translate = () => {
  document.documentElement.lang = language;
  document.title = say("form_page.title");
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say, facts.limits);
  for (const node of document.querySelectorAll("[data-nl]")) node.textContent = node.dataset[language];
};
