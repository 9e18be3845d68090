import { openUwsListener } from "../../../src/listeners/uws/open-uws-listener.ts";
import { describeListener } from "../../suites/listener/listener.suite.ts";

describeListener("uws", openUwsListener);
