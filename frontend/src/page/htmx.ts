import htmx from "htmx.org";

/** What we read of htmx's request context; its own types leave out `fetch` and `hx`. */
export interface RequestContext {
  sourceElement: Element;
  fetch?: (action: string, request: RequestInit) => Promise<Response>;
  hx?: { redirect?: string; refresh?: string; location?: string };
  request: RequestInit & {
    action: string;
    form?: HTMLFormElement | null;
    submitter?: HTMLElement | null;
    signal: AbortSignal;
    headers: Record<string, string>;
    timeout?: number | string | null;
  };
  response?: { status: number };
  text?: string;
}

type Moment =
  | "config:request"
  | "before:request"
  | "after:request"
  | "finally:request"
  | "before:swap"
  | "after:swap"
  | "response:error"
  | "error";

/** Call `then` at a moment of every htmx request; moments without a request are skipped. */
export function onRequest(moment: Moment, then: (context: RequestContext) => void): void {
  document.addEventListener(`htmx:${moment}`, (event) => {
    const detail: unknown = (event as CustomEvent).detail;
    const context = (detail as { ctx?: RequestContext } | null)?.ctx;
    if (context?.request) then(context);
  });
}

/** Fetch `url` and let `swap` bring it into `target`; failures are told by the link guard. */
export async function load(url: string, target: Element, swap: string): Promise<void> {
  const options = { source: target, target, swap };
  await (htmx as unknown as { ajax(verb: string, url: string, options: object): Promise<void> })
    .ajax("GET", url, options);
}

export { htmx };
