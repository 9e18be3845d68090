// @ts-check
// Preloaded into a script that the bootstrap runs in a child: when the launcher is killed outright, so is the child.
// Only this child is on the leash, not what it forks, so the marks are taken off before its script runs.
if (process.env["MESHKORE_LEASH"]) {
  delete process.env["MESHKORE_LEASH"];
  process.execArgv.splice(process.execArgv.indexOf(import.meta.url) - 1, 2);
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel?.unref();
}
