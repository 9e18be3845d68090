// @ts-check
// Preloaded by `node --import`: tells on stderr, once each, which packages a process loads.
import { registerHooks } from "node:module";

const told = new Set();

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(resolved.url)?.[1];
    if (name !== undefined && !told.has(name)) {
      told.add(name);
      process.stderr.write(`loaded-package ${name}\n`);
    }
    return resolved;
  },
});
