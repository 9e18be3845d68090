import { openNodeListener } from "../../../src/listeners/node/open-node-listener.ts";
import { describeListener } from "../../suites/listener/listener.suite.ts";

describeListener("node", openNodeListener);
