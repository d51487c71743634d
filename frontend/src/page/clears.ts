// A `data-clears` form is for one code after another: what was taken in is wiped, and a list
// that the field filters is asked for again. A refused code stays, to be mended.
import { onRequest } from "./htmx";

onRequest("after:request", (context) => {
  const { form } = context.request;
  if (!form?.hasAttribute("data-clears") || context.response?.status !== 200) return;
  for (const field of form.querySelectorAll<HTMLInputElement>("input[type=search]")) {
    field.value = "";
    field.dispatchEvent(new Event("search", { bubbles: true }));
  }
});
