// The import law of the repository. Every rule says what to do instead; type-only imports count like any other.
// A folder of src sees itself and what its line in `layers` names; nothing else of this repository.

const layers = {
  gen: {
    sees: [],
    instead: "Generated code stands alone: change the .proto file and run `npm run gen`.",
  },
  model: {
    sees: ["gen"],
    instead: "Model is pure data: move what needs more into src/core or the layer that owns the idea.",
  },
  ports: {
    sees: ["gen", "model"],
    instead: "A port is an interface over model types: declare the type that it needs in src/model.",
  },
  core: {
    sees: ["gen", "model", "ports"],
    instead: "Core is pure: declare a port in src/ports, and let src/hub.ts pass the implementation in.",
  },
  registry: {
    sees: ["gen", "model", "ports", "core"],
    instead: "Registry sits on core: take what an upper layer knows as an argument, or use a port.",
  },
  outbound: {
    // Beside federation, not in the core: what calls out is a reader of streams like any session, and the core moves
    // messages without it.
    sees: ["gen", "model", "ports", "core"],
    instead:
      "Outbound sits on core: take what an upper layer or an adapter knows as an argument, or use a port.",
  },
  discovery: {
    sees: ["gen", "model", "ports", "core", "registry"],
    instead: "Discovery sits on registry: take what an upper layer knows as an argument, or use a port.",
  },
  market: {
    sees: ["gen", "model", "ports", "core", "registry", "discovery"],
    instead: "Market sits on discovery: take what an upper layer knows as an argument, or use a port.",
  },
  transact: {
    sees: ["gen", "model", "ports", "core", "registry", "discovery", "market"],
    instead: "Transact is the top layer: reach engines and listeners through a port that src/hub.ts fills.",
  },
  federation: {
    sees: ["gen", "model", "ports", "core", "registry"],
    instead: "Federation sits on core and registry: take anything else as an argument, or use a port.",
  },
  api: {
    sees: [
      ...["gen", "model", "ports", "core", "outbound", "registry", "discovery", "market", "transact"],
      "federation",
    ],
    instead:
      "The api binds calls to layers: reach engines, listeners and adapters through a port that src/hub.ts fills.",
  },
  telemetry: {
    sees: ["model", "ports"],
    instead: "Telemetry names events and measures: pass it model values, do not let it fetch anything.",
  },
  console: {
    sees: ["gen", "model", "ports"],
    instead: "The console is a client like any other: let the page call the public interface.",
  },
  cli: {
    sees: ["gen", "model"],
    files: ["config.ts", "main.ts", "offline.ts"],
    instead:
      "The command line calls a hub over the network, starts one through src/main.ts, or works on the data of a stopped one through src/offline.ts; it holds no logic.",
  },
  boot: {
    sees: [],
    instead:
      "The bootstrap runs before there is TypeScript or a dependency: plain JavaScript and node: modules only.",
  },
};

/** Single files of src that stand outside the folders, and what each may see. src/hub.ts has no line: it sees all. */
const files = {
  "main.ts": {
    sees: ["gen", "model", "ports", "telemetry"],
    files: ["config.ts", "hub.ts"],
    instead: "main.ts is the process edge: compose in src/hub.ts and call that.",
  },
  "offline.ts": {
    sees: ["gen", "model", "ports", "engines", "listeners"],
    instead:
      "offline.ts puts engines together for a stopped hub's data: what runs in a hub belongs to src/hub.ts.",
  },
  "config.ts": {
    sees: ["gen", "model", "ports"],
    instead: "Config is checked data: let src/hub.ts turn it into objects.",
  },
  "adapter-kit.ts": {
    sees: ["gen", "model", "ports", "api", "outbound"],
    instead: "The kit re-exports contracts: put a helper that adapters share into the kit or src/model.",
  },
};

const ours = "^(src|adapters|sdk|test|bench)/";
const folders = (names) => (names.length > 0 ? [`^src/(${names.join("|")})/`] : []);
const singles = (names) => names.map((name) => `^src/${name.replaceAll(".", "\\.")}$`);

const layerRule = ([name, { sees, files: alsoSees = [], instead }]) => ({
  name: `${name}-sees-only-what-is-below`,
  comment: instead,
  severity: "error",
  from: { path: `^src/${name}/` },
  to: { path: ours, pathNot: [...folders([name, ...sees]), ...singles(alsoSees)] },
});

const fileRule = ([name, { sees, files: alsoSees = [], instead }]) => ({
  name: `${name.replace(".ts", "")}-sees-only-what-it-needs`,
  comment: instead,
  severity: "error",
  from: { path: singles([name]) },
  to: { path: ours, pathNot: [...folders(sees), ...singles(alsoSees)] },
});

/** A package or builtin that only its owner may import. */
const ownedRule = ({ name, imports, owner, instead }) => ({
  name,
  comment: instead,
  severity: "error",
  from: { path: "^(src|adapters)/", pathNot: [...owner, "^adapters/[^/]+/test/"] },
  to: { path: imports },
});

const owned = [
  {
    name: "uws-only-in-its-listener",
    imports: ["(^|/)(uws-current|uws-compat|uWebSockets\\.js)(/|$)", "(^|/)@uwsjs/"],
    owner: ["^src/listeners/uws/"],
    instead: "uWebSockets.js stays behind the listener port: mount a handler through src/ports instead.",
  },
  {
    name: "ws-only-in-the-node-listener",
    imports: ["(^|/)(@types/)?ws(/|$)"],
    owner: ["^src/listeners/node/"],
    instead: "Sockets stay behind the listener port; as a client, use the WebSocket that Node has built in.",
  },
  {
    name: "connect-only-in-its-listener",
    imports: ["(^|/)@connectrpc/"],
    owner: ["^src/listeners/connect/"],
    instead:
      "Add a row to src/api/native: every native wire serves it. Connect's own words stay in its folder.",
  },
  {
    name: "lmdb-only-in-the-embedded-log",
    imports: ["(^|/)lmdb(/|$)"],
    owner: ["^src/engines/message-log/embedded/"],
    instead: "Use the MessageLog port.",
  },
  {
    name: "sqlite-only-in-the-store",
    imports: ["^(node:)?sqlite$"],
    // The command line locks its credentials file the way the data directory is locked: the lock dies with its process.
    owner: ["^src/engines/store/", "^src/engines/data-dir(/|\\.ts$)", "^src/cli/identity/file-lock\\.ts$"],
    instead: "Use one of the store ports.",
  },
  {
    name: "prom-client-only-in-metrics",
    imports: ["(^|/)prom-client(/|$)"],
    owner: ["^src/telemetry/metrics/"],
    instead:
      "Count in the plain numbers of src/model/counts.ts, or through a port; src/telemetry shows them.",
  },
  {
    name: "opentelemetry-only-in-tracing",
    imports: ["(^|/)@opentelemetry/"],
    owner: ["^src/telemetry/tracing/"],
    instead:
      "Trace through src/ports/message-tracer.ts: a hub without traces loads nothing of OpenTelemetry.",
  },
  {
    name: "kysely-only-in-the-store",
    imports: ["(^|/)kysely(/|$)"],
    owner: ["^src/engines/store/"],
    instead: "Use one of the store ports; queries live in src/engines/store.",
  },
];

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment:
        "Move what both need into the lower of the two, or a third file below them; type-only cycles count too.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "Correct the path, or add the package to package.json.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-development-dependency-at-run-time",
      comment: "Move the package to dependencies in package.json, or do without it; types alone are fine.",
      severity: "error",
      from: { path: "^(src|adapters)/", pathNot: "^adapters/[^/]+/test/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"], pathNot: "/@types/" },
    },
    ...Object.entries(layers).map(layerRule),
    ...Object.entries(files).map(fileRule),
    {
      name: "engines-see-only-ports",
      comment:
        "An engine implements a port and knows nothing else: take the rest as an option of its open function.",
      severity: "error",
      from: { path: "^src/engines/" },
      to: { path: ours, pathNot: ["^src/(gen|model|ports|engines)/"] },
    },
    {
      name: "engines-are-islands",
      comment:
        "Engines of other ports are out of sight: let src/hub.ts pass in what this one needs, as a port.",
      severity: "error",
      from: { path: "^src/engines/([^/]+)/" },
      to: { path: "^src/engines/", pathNot: "^src/engines/$1/" },
    },
    {
      name: "sibling-engines-share-by-name",
      comment:
        "Two engines of one port share code only through that port's `shared`, `migrations` and `queries` folders.",
      severity: "error",
      from: { path: "^src/engines/([^/]+)/([^/]+)/" },
      to: { path: "^src/engines/$1/[^/]+/", pathNot: "^src/engines/$1/($2|shared|migrations|queries)/" },
    },
    {
      name: "listeners-see-only-ports",
      comment:
        "A listener owns sockets and framing: take handlers through src/ports; of the model it knows errors, addresses and token buckets alone.",
      severity: "error",
      from: { path: "^src/listeners/([^/]+)/" },
      to: {
        path: ours,
        pathNot: [
          "^src/(ports|gen)/",
          "^src/model/(errors|ip-address|parts|token-bucket)\\.ts$",
          "^src/listeners/$1/",
          "^src/listeners/[^/]+\\.ts$",
        ],
      },
    },
    {
      name: "mounts-see-only-ports",
      comment:
        "What listeners share knows ports, errors and addresses (of clients) alone: let src/hub.ts hand it the rest; only open-http-listener.ts picks one.",
      severity: "error",
      from: { path: "^src/listeners/[^/]+\\.ts$", pathNot: "^src/listeners/open-http-listener\\.ts$" },
      to: {
        path: ours,
        pathNot: [
          "^src/(ports|gen)/",
          "^src/model/(errors|ip-address|parts)\\.ts$",
          "^src/listeners/[^/]+\\.ts$",
        ],
      },
    },
    {
      name: "adapters-see-only-the-kit",
      comment:
        "Import it from src/adapter-kit.ts; if the kit lacks it, add it there. Generated contracts are open to all.",
      severity: "error",
      from: { path: "^adapters/([^/]+)/", pathNot: "^adapters/[^/]+/test/" },
      to: { path: ours, pathNot: ["^adapters/$1/", "^src/adapter-kit\\.ts$", "^src/gen/"] },
    },
    {
      name: "adapter-code-without-its-tests",
      comment: "Tests are not part of the adapter: move what both need beside the adapter's own files.",
      severity: "error",
      from: { path: "^adapters/", pathNot: "^adapters/[^/]+/test/" },
      to: { path: "^adapters/[^/]+/test/" },
    },
    {
      name: "sdk-stands-alone",
      comment: "An SDK ships by itself: copy the few lines, or generate them from proto.",
      severity: "error",
      from: { path: "^sdk/([^/]+)/" },
      to: { path: ours, pathNot: "^sdk/$1/" },
    },
    {
      name: "product-without-tests",
      comment: "What runs never needs a test or a benchmark: move the shared piece into src.",
      severity: "error",
      from: { path: "^(src|adapters)/", pathNot: "^adapters/[^/]+/test/" },
      to: { path: "^(test|bench)/" },
    },
    {
      name: "only-hub-composes",
      comment: "Only src/main.ts starts a hub; everything else is handed what it needs.",
      severity: "error",
      from: { path: "^(src|adapters)/", pathNot: ["^src/main\\.ts$", "^adapters/[^/]+/test/"] },
      to: { path: "^src/hub\\.ts$" },
    },
    {
      name: "compose-is-the-hubs-own",
      comment: "src/compose is src/hub.ts in several files: take what you need as an argument instead.",
      severity: "error",
      from: { path: "^(src|adapters)/", pathNot: ["^src/(hub\\.ts$|compose/)", "^adapters/[^/]+/test/"] },
      to: { path: "^src/compose/" },
    },
    {
      name: "hub-below-main",
      comment: "The hub runs in any process, tests too: pass arguments and environment in from src/main.ts.",
      severity: "error",
      from: { path: "^src/(hub\\.ts$|compose/)" },
      to: { path: "^src/(main\\.ts$|cli/|boot/)" },
    },
    {
      name: "process-only-at-the-edge",
      comment: "Only src/main.ts, src/cli and src/boot touch the process: take the value as an argument.",
      severity: "error",
      from: { path: "^(src|adapters)/", pathNot: ["^src/(main\\.ts$|cli/|boot/)", "^adapters/[^/]+/test/"] },
      to: { path: "^(node:)?process$" },
    },
    {
      name: "no-files-in-pure-layers",
      comment: "These layers are pure: keep the file in an engine and reach it through a port.",
      severity: "error",
      from: { path: "^src/(model|ports|core|registry)/" },
      to: { path: "^(node:)?fs(/|$)" },
    },
    ...owned.map(ownedRule),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    // What stands in test/interop has packages of its own, which only the runs of its tests install.
    exclude: { path: ["^src/gen/.*\\.d\\.ts$", "^test/interop/"] },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
