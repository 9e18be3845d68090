import { parseArgs } from "node:util";
import { runCampaign, showVitals } from "./campaign.ts";
import { inputFromHex } from "./input.ts";
import { growthFaults } from "./oracle/growth.ts";
import { faultOf } from "./oracle/judge.ts";
import { runSlow } from "./slow/run-slow.ts";
import { LONG_SCENARIOS, SHORT_SCENARIOS } from "./slow/scenarios.ts";
import { doorOf, withTarget } from "./target.ts";
import { throwInput } from "./throw-input.ts";
import { WIRES, WIRES_WITH_TLS } from "./wires/index.ts";

const USAGE = `npm run fuzz -- [options]
  --inputs 100000   inputs of all wires and rounds together
  --rounds 5        what the hub holds is compared after each; the first is the warm-up
  --seed 1          of everything that is not written by hand
  --wires a,b       of ${WIRES_WITH_TLS.map(({ name }) => name).join(", ")}
  --tls             everything through TLS, and what lies below it
  --slow            instead: clients that take their time or are gone without a word, up to three minutes
  --replay w:hex    throws one input, as a finding printed it, and shows the answer
`;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    wires: { type: "string" },
    replay: { type: "string" },
    slow: { type: "boolean", default: false },
    tls: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const { tls: isTls } = values;

function chosenWires(names: string | undefined) {
  const all = isTls ? WIRES_WITH_TLS : WIRES;
  const wanted = names?.split(",") ?? all.map(({ name }) => name);
  return wanted.map((name) => {
    const wire = all.find((candidate) => candidate.name === name);
    if (wire === undefined) throw new Error(`no wire ${name}\n${USAGE}`);
    return wire;
  });
}

function replay(text: string): Promise<void> {
  const [name = "", hex = ""] = text.split(":");
  return withTarget({ isTls }, async (target) => {
    const [wire] = chosenWires(name);
    const door = wire && doorOf(wire, target);
    if (door === undefined) throw new Error(`this hub does not speak ${name}`);
    const input = { ...inputFromHex(hex), mustAnswer: true };
    const observed = await throwInput(door, input, target.secrets);
    const fault = faultOf(input, observed);
    console.log(`answer: ${JSON.stringify(observed.answer.toString("latin1").slice(0, 4000))}`);
    console.log(`hub's log:\n${target.hub.log()}`);
    console.log(fault === undefined ? "fuzz: nothing wrong" : `fuzz: ${fault}`);
    if (fault !== undefined) process.exitCode = 1;
  });
}

function attackSlowly(): Promise<void> {
  return withTarget({ isTls }, async (target) => {
    const { results, findings, peakBytes, before, after } = await runSlow(target, [
      ...SHORT_SCENARIOS,
      ...LONG_SCENARIOS,
    ]);
    for (const { name, opened, left, lastClosedMs } of results) {
      console.log(`  ${name}: ${opened} opened, ${left} left, the last one ended after ${lastClosedMs} ms`);
    }
    console.log(`before: ${showVitals(before)}\nafter: ${showVitals(after)}`);
    for (const finding of findings) console.error(`FINDING ${finding}`);
    console.log(`fuzz: peak ${Math.round(peakBytes / 1_048_576)} MiB, ${findings.length} findings`);
    if (findings.length > 0) process.exitCode = 1;
  });
}

async function attack(): Promise<void> {
  const [inputs, rounds, seed] = [Number(values.inputs), Number(values.rounds), Number(values.seed)];
  console.log(`fuzz: --inputs ${inputs} --rounds ${rounds} --seed ${seed}${isTls ? " --tls" : ""}`);
  const fromMs = performance.now();
  const result = await runCampaign({
    wires: chosenWires(values.wires),
    seed,
    inputs,
    rounds,
    isTls,
    onProgress: (line) => console.log(`  ${line}`),
  });
  const findings = [...result.findings, ...growthFaults(result.vitals)];
  for (const finding of findings) console.error(`FINDING ${finding}`);
  const [before] = result.vitals;
  if (before !== undefined) console.log(`before: ${showVitals(before)}`);
  console.log(
    `fuzz: ${result.thrown} inputs in ${Math.round((performance.now() - fromMs) / 1000)} s, ${findings.length} findings; ` +
      `${result.honestMessages} honest messages; slowest /healthz ${Math.round(result.slowestHealthMs)} ms`,
  );
  const answers = [...result.answers].sort().map(([kind, count]) => `${kind} ${count}`);
  console.log(`answers: ${answers.join(", ")}`);
  if (findings.length > 0) process.exitCode = 1;
}

if (values.help) process.stdout.write(USAGE);
else if (values.replay !== undefined) await replay(values.replay);
else if (values.slow) await attackSlowly();
else await attack();
