/** Words of PromQL that are no metric: functions, aggregations, and what stands between expressions. */
const WORDS: ReadonlySet<string> = new Set(
  `sum avg min max count topk bottomk quantile group by without on ignoring and or unless bool offset rate irate
  increase delta deriv changes resets histogram_quantile clamp_min clamp_max abs min_over_time max_over_time
  avg_over_time sum_over_time label_values time vector absent inf nan`.split(/\s+/),
);

/**
 * The metrics that an expression names. Reads PromQL roughly: brackets must pair and a word is either a metric, a word
 * of the language or, within braces and after `by`, a label.
 * @throws when brackets do not pair, or a function is not known
 */
export function metricsOfPromql(expression: string): readonly string[] {
  checkBrackets(expression);
  const bare = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\{[^{}]*\}/g, " ")
    .replace(/\[[^[\]]*\]/g, " ")
    .replace(/\b(by|without|on|ignoring)\s*\([^()]*\)/g, " ");
  const metrics = new Set<string>();
  for (const { 0: word, index } of bare.matchAll(/[a-zA-Z_:][\w:]*/g)) {
    if (/[\d.]/.test(bare[index - 1] ?? "") || WORDS.has(word.toLowerCase())) continue;
    if (/^\s*\(/.test(bare.slice(index + word.length))) throw new Error(`no function of PromQL: ${word}`);
    metrics.add(word);
  }
  return [...metrics];
}

const PAIRS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

function checkBrackets(expression: string): void {
  const open: string[] = [];
  for (const sign of expression.replace(/"(?:[^"\\]|\\.)*"/g, "")) {
    const closing = PAIRS[sign];
    if (closing !== undefined) open.push(closing);
    else if (")]}".includes(sign) && open.pop() !== sign)
      throw new Error(`brackets do not pair: ${expression}`);
  }
  if (open.length > 0) throw new Error(`brackets do not pair: ${expression}`);
}
