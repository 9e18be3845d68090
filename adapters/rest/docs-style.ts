/** The style of the page at /docs, which loads nothing from elsewhere. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --bg: #fbfbfa; --card: #fff; --ink: #1d2126; --soft: #5b6470; --line: #e2e4e8;
  --code: #f2f3f5; --link: #1750b8; --get: #1750b8; --post: #11703c; --put: #8a5200; --delete: #b02a24; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #14171b; --card: #1b1f25; --ink: #e7e9ec; --soft: #a3acb8; --line: #2e343c; --code: #23282f;
    --link: #8ab4ff; --get: #8ab4ff; --post: #6fd09a; --put: #e8b25c; --delete: #ff948c; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--bg); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: var(--link); text-underline-offset: 0.15em; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { background: var(--code); border-radius: 4px; padding: 0.1em 0.3em; font-size: 0.875em; overflow-wrap: anywhere; }
pre { background: var(--code); border-radius: 8px; padding: 0.75rem 0.9rem; margin: 0.5rem 0; overflow-x: auto;
  font-size: 0.84rem; line-height: 1.5; }
pre code { background: none; padding: 0; font-size: inherit; overflow-wrap: normal; }
.page { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 5rem; }
header h1 { margin: 0; font-size: 1.9rem; letter-spacing: -0.015em; line-height: 1.2; }
header p { max-width: 46rem; margin: 0.6rem 0; color: var(--soft); }
header .facts { color: var(--ink); }
nav { margin: 1.25rem 0; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.4rem; }
nav a { display: block; padding: 0.2rem 0.7rem; border: 1px solid var(--line); border-radius: 999px; color: var(--ink);
  text-decoration: none; font-size: 0.9rem; background: var(--card); }
nav a:hover { border-color: var(--link); color: var(--link); }
section > h2 { margin: 2.2rem 0 0.7rem; font-size: 1.25rem; letter-spacing: -0.01em; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0.5rem 0; }
details[open] { border-color: color-mix(in srgb, var(--link) 45%, var(--line)); }
summary { cursor: pointer; list-style: none; display: grid; grid-template-columns: 4.6rem minmax(11rem, 22rem) 1fr;
  gap: 0.2rem 0.9rem; align-items: baseline; padding: 0.6rem 0.9rem; border-radius: 10px; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: color-mix(in srgb, var(--code) 55%, transparent); }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
summary .method { font: 700 0.74rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; text-align: center;
  border: 1px solid currentcolor; border-radius: 6px; }
summary .tag { text-align: center; }
summary .path { font: 0.9rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
summary .what { color: var(--soft); font-size: 0.94rem; }
.get { color: var(--get); } .post { color: var(--post); } .put, .patch { color: var(--put); }
.delete { color: var(--delete); }
.more { border-top: 1px solid var(--line); padding: 0.5rem 0.9rem 0.9rem; }
.more > p { margin: 0.5rem 0; max-width: 52rem; }
.more h3 { margin: 1.1rem 0 0.3rem; font-size: 0.78rem; text-transform: uppercase; letter-spacing: 0.06em;
  color: var(--soft); }
.tag { display: inline-block; font-size: 0.78rem; color: var(--soft); border: 1px solid var(--line);
  border-radius: 999px; padding: 0 0.55rem; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: 0.35rem 1.1rem; margin: 0.3rem 0;
  font-size: 0.94rem; }
dt { overflow-wrap: anywhere; } dt code { background: none; padding: 0; font-size: 0.9em; }
dd { margin: 0; min-width: 0; color: var(--soft); overflow-wrap: anywhere; }
dd .type { color: var(--ink); font: 0.85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
dd dl { border-left: 2px solid var(--line); padding-left: 0.8rem; }
.must { color: var(--delete); font-size: 0.8em; margin-left: 0.25em; }
.answers { grid-template-columns: 3rem minmax(0, 1fr); }
.status { font-variant-numeric: tabular-nums; font-weight: 600; }
@media (min-width: 68rem) {
  .page { display: grid; grid-template-columns: 11rem minmax(0, 1fr); column-gap: 2.5rem; }
  header { grid-column: 1 / -1; }
  nav { position: sticky; top: 1.5rem; align-self: start; margin: 2.2rem 0 0; }
  nav ul { flex-direction: column; gap: 0.1rem; }
  nav a { border: 0; background: none; border-radius: 6px; padding: 0.25rem 0.6rem; }
  nav a:hover { background: var(--code); }
}
@media (max-width: 44rem) {
  .page { padding: 1.25rem 0.9rem 4rem; }
  header h1 { font-size: 1.55rem; }
  summary { grid-template-columns: 4.2rem minmax(0, 1fr); }
  summary .what { grid-column: 1 / -1; }
  dl:not(.answers) { grid-template-columns: minmax(0, 1fr); gap: 0.1rem; }
  dl:not(.answers) > dd { margin-bottom: 0.5rem; }
}
@media print { details:not([open]) > .more { display: block; } nav { display: none; } }
`;
