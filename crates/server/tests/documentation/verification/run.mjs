// Runs the snippet of the documentation, saved as snippet.mjs beside this file, on the cases of standard input.
import { readFileSync } from "node:fs";
import { verify } from "./snippet.mjs";

const cases = JSON.parse(readFileSync(0, "utf8"));
const verdicts = cases.map(({ secret, header, body }) => verify(secret, header, Buffer.from(body, "base64")));
process.stdout.write(JSON.stringify(verdicts));
