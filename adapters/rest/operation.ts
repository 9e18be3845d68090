import type { z } from "zod";
import type { ErrorCode, HttpResponse, Route } from "../../src/adapter-kit.ts";
import { type Body, type BodyForm, readBody } from "./body.ts";
import type { Incoming } from "./incoming.ts";
import { type QueryForm, type QueryValues, readQuery } from "./query.ts";

/** What operations are grouped by, and in which order they are shown. */
export const GROUPS = [
  "Joining",
  "Messages",
  "Agents",
  "Channels",
  "Tasks",
  "Overview",
  "The hub",
  "Not built yet",
] as const;
export type Group = (typeof GROUPS)[number];

/** One kind of right answer. */
export interface AnswerForm {
  readonly description: string;
  /** By media type; none for an answer without a body. */
  readonly content: Readonly<Record<string, z.ZodType>>;
}

/** What a row of the REST table says of itself; the OpenAPI document is made of it. */
export interface Description {
  readonly method: Route["method"];
  readonly path: string;
  /** Takes no token, and does not look at one: joining, and what is not built. */
  readonly open?: boolean;
  /** What may stand instead of the token: a ticket in the query, or nothing at all. */
  readonly insteadOfToken?: "ticket" | "nothing";
  /** Unique among all; clients that are generated name their method by it. */
  readonly id: string;
  readonly group: Group;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly description?: string;
  /** What the parameters of the path mean, by name. */
  readonly params?: Readonly<Record<string, string>>;
  /** Headers that are read beside the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Right answers by status. */
  readonly answers: Readonly<Record<number, AnswerForm>>;
  /** Codes of refusals beyond those that every such operation has. */
  readonly refusals?: readonly ErrorCode[];
  /** A media type that refusals may have beside JSON. */
  readonly refusalType?: string;
}

/** A row as it is described, whoever answers it. */
export interface DescribedOperation extends Description {
  /** Absent = the query is not looked at. */
  readonly query?: QueryForm;
  readonly body?: BodyForm<z.ZodType>;
}

/** One row of the REST table: may throw, unlike the route made of it. */
export interface Operation extends DescribedOperation {
  handle(incoming: Incoming): Promise<HttpResponse>;
}

interface Taken<Query extends QueryForm, Schema extends z.ZodType> extends Incoming {
  readonly query: QueryValues<Query>;
  readonly body: Body<Schema>;
}

/**
 * Makes a row whose handler gets the query and the body only through the forms that are described: what is told of
 * an operation and what it takes are the same thing.
 */
export function operation<
  const Query extends QueryForm = Record<never, never>,
  Schema extends z.ZodType = z.ZodNever,
>(
  row: Description & {
    readonly query?: Query;
    readonly body?: BodyForm<Schema>;
    handle(taken: Taken<Query, Schema>): Promise<HttpResponse>;
  },
): Operation {
  const { query: queryForm, body: bodyForm } = row;
  return {
    ...row,
    async handle(incoming) {
      const query = queryForm === undefined ? {} : readQuery(incoming.request, queryForm);
      const body = bodyForm === undefined ? undefined : await readBody(incoming.request, bodyForm);
      // Without a form the type of the body's fields is never: no handler can look at it.
      return row.handle({ ...incoming, query, body } as Taken<Query, Schema>);
    },
  };
}
