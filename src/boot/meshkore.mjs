#!/usr/bin/env node
// @ts-check
import { join } from "node:path";
import { run } from "./bootstrap.mjs";
import { root } from "./clone.mjs";

await run(join(root, "src", "cli", "main.ts"), process.argv.slice(2));
