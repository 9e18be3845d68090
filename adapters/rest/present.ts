export { type Present, present } from "../../src/adapter-kit.ts";
