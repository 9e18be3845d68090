// Preloaded by `node --import`: this system has no build of uWebSockets.js, as macOS and ARM have none.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.startsWith("uws-")) throw new Error(`no build of ${specifier} for this system`);
    return nextResolve(specifier, context);
  },
});
