// A `data-echoed` form is worked out anew by the hub at every change, and its fields say what
// the hub answered. A morph leaves a field alone whose answer is the same as the one before,
// even where somebody typed something else meanwhile; the field in hand is theirs.
import { onRequest } from "./htmx";

onRequest("after:swap", (context) => {
  if (!context.sourceElement.closest("form[data-echoed]")) return;
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-echoed]")) {
    for (const field of form.querySelectorAll<HTMLInputElement>("input")) {
      if (field !== document.activeElement) field.value = field.defaultValue;
    }
  }
});
