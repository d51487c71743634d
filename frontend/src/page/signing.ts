// Forms with `data-signed` prove which device sends them: before the first submit the hub's
// nonce is signed and put into the hidden input `signature`.
import { DeviceKeyError, sign } from "./device-key";

const signing = new WeakMap<HTMLFormElement, Promise<void>>();

function say(form: HTMLFormElement, trouble: string): void {
  form.dataset["liveTrouble"] = trouble;
  form.querySelectorAll<HTMLElement>("[data-trouble]").forEach((note) => {
    note.hidden = note.dataset["trouble"] !== trouble;
  });
}

async function prove(form: HTMLFormElement): Promise<void> {
  const input = form.elements.namedItem("signature");
  const { nonce, hub } = form.dataset;
  if (!(input instanceof HTMLInputElement) || !nonce || !hub) return;
  try {
    const signature = await sign(`${nonce}.${hub}`);
    if (signature) input.value = signature;
    else say(form, "unpaired");
  } catch (error) {
    say(form, error instanceof DeviceKeyError ? error.trouble : "no-crypto");
  }
}

function started(form: HTMLFormElement): Promise<void> {
  const running = signing.get(form) ?? prove(form);
  signing.set(form, running);
  return running;
}

function isSigned(form: HTMLFormElement): boolean {
  const input = form.elements.namedItem("signature");
  return input instanceof HTMLInputElement && input.value !== "";
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-signed")) return;
  if (isSigned(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  void started(form).then(() => {
    // Unsigned it would be refused without a word about why; the form says why instead.
    if (isSigned(form)) form.requestSubmit(submitter);
  });
}, { capture: true });

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-signed]")) {
  void started(form);
}
