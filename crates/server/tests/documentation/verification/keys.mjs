// Runs the snippet for public keys, saved as snippet.mjs beside this file, on the cases of standard input.
import { readFileSync } from "node:fs";
import { verifyWithKeys } from "./snippet.mjs";

const cases = JSON.parse(readFileSync(0, "utf8"));
const verdicts = cases.map(({ keys, headers, body }) => verifyWithKeys(keys, headers, Buffer.from(body, "base64")));
process.stdout.write(JSON.stringify(verdicts));
