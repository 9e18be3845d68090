// @ts-check
// node src/boot/run.mjs <script> [arguments]   runs a script of this repository under a fit Node
// node src/boot/run.mjs --prepare              only gets Node and the dependencies
import { resolve } from "node:path";
import { prepare, run } from "./bootstrap.mjs";

const [script, ...args] = process.argv.slice(2);
if (!script) {
  process.stderr.write("usage: node src/boot/run.mjs <script> [arguments] | --prepare\n");
  process.exit(2);
}
if (script === "--prepare") await prepare();
else await run(resolve(script), args);
