// The theme is a cookie, so the hub renders it and nothing flashes. The form works without a
// script too (a GET with `theme=`); with one, no page is fetched.

const KEEP_S = 365 * 24 * 3600;

function remember(theme: string): void {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${KEEP_S}; samesite=strict${secure}`;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-theme-switch")) return;
  const pressed = event.submitter;
  if (!(pressed instanceof HTMLButtonElement)) return;
  event.preventDefault();
  document.documentElement.dataset["theme"] = pressed.value;
  remember(pressed.value);
  for (const button of form.querySelectorAll<HTMLButtonElement>("button[name=theme]")) {
    button.setAttribute("aria-pressed", String(button === pressed));
  }
});
