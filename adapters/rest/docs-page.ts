import { htmlFromSchema, typeOf } from "./docs-schema.ts";
import { DOCS_STYLE } from "./docs-style.ts";
import { Html, html, prose } from "./html.ts";
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter, OpenApiResponse } from "./openapi.ts";

/** The document as a page that needs nothing else: no script, no font, no picture. */
export function docsPage(document: OpenApiDocument): string {
  const { info, tags, components } = document;
  const url = document.servers[0]?.url ?? "";
  const groups = tags.map(({ name }) => ({ name, anchor: anchorFromName(name) }));
  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}: REST</title>
<style>${new Html(DOCS_STYLE)}</style>
<div class="page">
<header>
<h1>${info.title}</h1>
<p>${info.description}</p>
<p class="facts">Version ${info.version} at <code>${url}</code> · <a href="openapi.json">openapi.json</a> for
programs. Calls carry <code>Authorization: Bearer</code> with a token or an API key, unless they say otherwise.</p>
</header>
<nav aria-label="Groups"><ul>
${groups.map(({ name, anchor }) => html`<li><a href="#${anchor}">${name}</a></li>\n`)}
<li><a href="#shapes">Shapes</a></li>
</ul></nav>
<main>
${groups.map(({ name, anchor }) => html`<section id="${anchor}"><h2>${name}</h2>\n${rows(document, name, url)}</section>\n`)}
<section id="shapes"><h2>Shapes</h2>
${Object.entries(components.schemas).map(([name, schema]) => shape(name, schema))}
</section>
</main>
</div>
</html>
`;
  return page.text;
}

function shape(name: string, schema: Parameters<typeof htmlFromSchema>[0]): Html {
  const description = typeof schema["description"] === "string" ? schema["description"] : "";
  return html`<details><summary><span class="tag">shape</span><span class="path">${name}</span><span class="what">${prose(description)}</span></summary>
<div class="more" id="schema-${name}">${htmlFromSchema(schema)}</div></details>
`;
}

function rows(document: OpenApiDocument, group: string, url: string): readonly Html[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(group))
      .map(([method, operation]) => row(document, { method, path, url }, operation)),
  );
}

interface Place {
  readonly method: string;
  readonly path: string;
  readonly url: string;
}

function row(document: OpenApiDocument, place: Place, operation: OpenApiOperation): Html {
  const { method, path } = place;
  const { operationId, summary, description, parameters = [], requestBody } = operation;
  const body = requestBody?.content["application/json"];
  return html`<details><summary><span class="method ${method}">${method.toUpperCase()}</span><span class="path">${path}</span><span class="what">${prose(summary)}</span></summary>
<div class="more" id="${operationId}">
${access(operation)}
${description === undefined ? "" : html`<p>${prose(description)}</p>`}
<pre><code>${curlFromOperation(place, operation)}</code></pre>
${parameters.length === 0 ? "" : html`<h3>Parameters</h3><dl>${parameters.map(parameter)}</dl>`}
${body === undefined ? "" : html`<h3>Body</h3>${htmlFromSchema(body.schema)}`}
<h3>Answers</h3><dl class="answers">${Object.entries(operation.responses).map((entry) => response(document, entry))}</dl>
</div></details>
`;
}

function access({ security, tags }: OpenApiOperation): Html {
  if (tags.includes("Not built yet")) return html`<p><span class="tag">answers 501</span></p>`;
  if (security?.length === 0) return html`<p><span class="tag">no token needed</span></p>`;
  if (security?.some((one) => one["ticket"] !== undefined)) {
    return html`<p><span class="tag">a token, or <code>?ticket=</code></span></p>`;
  }
  return html``;
}

function parameter({ name, in: place, required, description, schema }: OpenApiParameter): Html {
  const must = required ? html`<span class="must">required</span>` : "";
  return html`<dt><code>${name}</code>${must}</dt>
<dd><span class="type">${typeOf({ ...schema })}</span> in the ${place} · ${prose(description)}</dd>
`;
}

function response(document: OpenApiDocument, [status, given]: readonly [string, OpenApiResponse]): Html {
  const name = given.$ref?.split("/").at(-1);
  const { description = "", content = {} } = name === undefined ? given : refusal(document, name);
  const types = Object.entries(content).map(([type, { schema }], index) => {
    const shown = type === "application/json" ? typeOf(schema) : html`<code>${type}</code>`;
    return html`${index === 0 ? " · " : " or "}${shown}`;
  });
  return html`<dt class="status">${status}</dt><dd>${prose(description)}${types}</dd>
`;
}

function refusal(document: OpenApiDocument, name: string): OpenApiResponse {
  return document.components.responses[name] ?? {};
}

/** A call that works when pasted, after what is in capitals was replaced. */
export function curlFromOperation({ method, path, url }: Place, operation: OpenApiOperation): string {
  const target = `${url}${path.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase())}`;
  const streams = operation.responses["200"]?.content?.["text/event-stream"] !== undefined;
  const lines = [
    `curl -sS${streams ? "N" : ""}${method === "get" ? "" : ` -X ${method.toUpperCase()}`} "${target}"`,
  ];
  if (operation.security?.length !== 0) lines.push('-H "Authorization: Bearer $TOKEN"');
  const example = operation.requestBody?.content["application/json"]?.example;
  if (example !== undefined) lines.push(`-d '${JSON.stringify(example).replaceAll("'", "'\\''")}'`);
  return lines.join(" \\\n  ");
}

function anchorFromName(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-");
}
