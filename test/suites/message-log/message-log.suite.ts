import { describe } from "vitest";
import { appendSuite } from "./append.suite.ts";
import { boundSuite } from "./bound.suite.ts";
import { dedupeSuite } from "./dedupe.suite.ts";
import { locateSuite } from "./locate.suite.ts";
import { marksSuite } from "./marks.suite.ts";
import { modelSuite } from "./model.suite.ts";
import { readSuite } from "./read.suite.ts";
import type { LogSubject } from "./subject.ts";
import { trimSuite } from "./trim.suite.ts";
import { watchSuite } from "./watch.suite.ts";

/** What every message log must do, whatever it is made of. */
export function messageLogSuite(subject: LogSubject): void {
  describe(`message log: ${subject.name}`, () => {
    appendSuite(subject);
    readSuite(subject);
    watchSuite(subject);
    marksSuite(subject);
    dedupeSuite(subject);
    boundSuite(subject);
    trimSuite(subject);
    locateSuite(subject);
    modelSuite(subject);
  });
}
