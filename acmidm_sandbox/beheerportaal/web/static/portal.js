// Refuses a private key before it leaves the browser, and reads a chosen file into the text field. Without this script the form
// works too; the server refuses the same.
"use strict";

(() => {
  const form = document.getElementById("sleutel-toevoegen");
  const file = document.getElementById("file");
  const text = document.getElementById("jwk");
  const told = document.getElementById("file-read");
  const button = form.querySelector("button");
  // RFC 7518 §6 and RFC 8037 §2: what may be in a private or symmetric key only.
  const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
  // A member that stands twice is gone after parsing, hence also a look at the text.
  const PRIVATE_IN_TEXT = /"(?:d|p|q|dp|dq|qi|oth|k)"\s*:|PRIVATE KEY/;
  const LONGEST = 32 * 1024;

  const isPrivate = (value) =>
    typeof value === "object" && value !== null &&
    (value.kty === "oct" || PRIVATE.some((name) => Object.hasOwn(value, name)) || Object.values(value).some(isPrivate));

  // The sentence to show, or null where the text may be sent.
  const refusal = (given) => {
    const trimmed = given.trim();
    if (trimmed === "") return form.dataset.empty;
    if (trimmed.length > LONGEST) return form.dataset.tooLong;
    if (PRIVATE_IN_TEXT.test(trimmed)) return form.dataset.private;
    if (trimmed.startsWith("-----BEGIN PUBLIC KEY-----")) return null;
    try {
      return isPrivate(JSON.parse(trimmed)) ? form.dataset.private : null;
    } catch {
      return form.dataset.notJson; // it may be a private key with a comma too many
    }
  };

  const summary = () => {
    let box = document.getElementById("fouten");
    if (!box) {
      box = document.createElement("div");
      box.id = "fouten";
      box.className = "notice error";
      box.setAttribute("role", "alert");
      box.tabIndex = -1;
      document.getElementById("inhoud").prepend(box);
    }
    return box;
  };

  const show = (sentence) => {
    const heading = document.createElement("h2");
    heading.textContent = form.dataset.title;
    const link = document.createElement("a");
    link.href = "#jwk";
    link.textContent = sentence;
    const item = document.createElement("li");
    item.append(link);
    const list = document.createElement("ul");
    list.append(item);
    const box = summary();
    box.replaceChildren(heading, list);
    text.setAttribute("aria-invalid", "true");
    text.setAttribute("aria-describedby", "jwk-hint fouten");
    box.focus();
  };

  // Shows why a text is refused, and forgets a private key at once. Whether it may be sent.
  const check = () => {
    const sentence = refusal(text.value);
    if (sentence === null) return true;
    if (sentence === form.dataset.private) text.value = "";
    told.textContent = "";
    show(sentence);
    return false;
  };

  // What is sent is the text alone, so that a file can't pass by the check. Until a file is read, the text is not what was
  // chosen: nothing may be sent.
  file.removeAttribute("name");
  const read = async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    const tooLong = chosen.size > LONGEST;
    file.disabled = button.disabled = true;
    const given = tooLong ? "" : await chosen.text().catch(() => "");
    file.disabled = button.disabled = false;
    text.value = given.replace(/^\uFEFF/, "");
    file.value = "";
    if (tooLong) {
      show(form.dataset.tooLong);
    } else if (check()) {
      told.textContent = form.dataset.read;
      text.focus();
    }
  };
  file.addEventListener("change", read);
  read(); // on a slow line a file is chosen before this script has come
  form.addEventListener("submit", (event) => {
    if (!check()) event.preventDefault();
  });
})();
