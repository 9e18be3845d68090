import { defineConfig } from "vitest/config";

// A suite in test/suites is a function that takes a factory; the files below call it, so it is no project of its own.
export default defineConfig({
  test: {
    pool: "forks",
    retry: 0,
    teardownTimeout: 10_000,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          // Properties run hundreds of cases: on a busy machine that takes its time.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "adapters/*/test/**/*.test.ts"],
          // Ends what hangs, no more: each starts processes, and machines of CI are slow and busy.
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
    ],
  },
});
