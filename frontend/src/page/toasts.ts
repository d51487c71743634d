/** Show a sentence in the page's status region, in the form of `<template id="toast-form">`. */
export function toast(sentence: string, kind: "ok" | "warn" | "bad"): void {
  const region = document.getElementById("toasts");
  const form = document.getElementById("toast-form");
  if (!region || !(form instanceof HTMLTemplateElement) || !sentence) return;
  const copy = document.importNode(form.content, true);
  const note = copy.querySelector("toast-note");
  const place = copy.querySelector("[data-sentence]");
  if (!note || !place) return;
  note.classList.add(kind);
  place.textContent = sentence;
  region.append(copy);
}
