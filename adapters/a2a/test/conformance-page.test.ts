import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type A2aReason, ERROR_TABLE, type ErrorRow, isOwnReason } from "../error-table.ts";

const PAGE = new URL("../../../docs/conformance.md", import.meta.url);
const HEAD = ["reason", "JSON-RPC", "gRPC", "HTTP", "1.0.0"];

type Rows = Readonly<Record<string, ErrorRow>>;

/** The rows of every table of the page that begins as one of errors does, as lists of cells. */
function tablesOf(page: string): string[][][] {
  const blocks = page.split(/\n\s*\n/).filter((block) => block.startsWith("|"));
  const tables = blocks.map((block) => block.split("\n").map(cellsOf));
  return tables.filter(([head]) => head?.join() === HEAD.join()).map((rows) => rows.slice(2));
}

function cellsOf(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** As the page should have it. */
function rowsOf(current: Rows, old: Rows): string[][] {
  return Object.entries(current).map(([reason, row]) => {
    const { jsonRpc, grpc, http } = row;
    return [`\`${reason}\``, String(jsonRpc), grpc, String(http), differenceOf(row, old[reason])];
  });
}

function differenceOf(row: ErrorRow, old: ErrorRow | undefined): string {
  if (old === undefined) return "none";
  const told = [
    ...(old.jsonRpc === row.jsonRpc ? [] : [`JSON-RPC ${old.jsonRpc}`]),
    ...(old.grpc === row.grpc ? [] : [`gRPC ${old.grpc}`]),
    ...(old.http === row.http ? [] : [`HTTP ${old.http}`]),
  ];
  return told.join(", ");
}

test("the page says of every error what the code says, and of no other", () => {
  const tables = tablesOf(readFileSync(PAGE, "utf8"));
  expect(tables).toHaveLength(2);
  const all = rowsOf(ERROR_TABLE["1.0.1"], ERROR_TABLE["1.0.0"]);
  const isOwn = ([reason = ""]: string[]): boolean => isOwnReason(reason.slice(1, -1) as A2aReason);
  const [protocol, own] = tables;
  expect(protocol).toEqual(all.filter((row) => !isOwn(row)));
  expect(own).toEqual(all.filter(isOwn));
});
