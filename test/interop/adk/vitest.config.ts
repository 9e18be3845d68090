import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// By themselves, since they need what the rest does without: `npm ci --prefix test/interop/adk`, then
// `npm test -- --config test/interop/adk/vitest.config.ts`.
export default defineConfig({
  test: {
    name: "adk",
    root: fileURLToPath(new URL(".", import.meta.url)),
    pool: "forks",
    retry: 0,
    teardownTimeout: 10_000,
    passWithNoTests: false,
    include: ["*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
