/** Run as a process of its own: holds the data directory of the path given until it is killed. */
import { openDataDir } from "../../../../src/engines/data-dir/data-dir.ts";

const [path = ""] = process.argv.slice(2);
await openDataDir(path);
process.stdout.write("held\n");
// Keeps the process alive.
process.stdin.resume();
