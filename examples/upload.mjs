// Sends a photo to EyeNet and prints what it says of each eye: node upload.mjs photo.jpg
// EYENET_URL says where the service is (http://localhost:8000), EYENET_API_KEY holds a key if it asks for one.

import { readFile } from "node:fs/promises";
import process from "node:process";

import { ask, describe } from "./eyenet.mjs";

const { EYENET_URL: url = "http://localhost:8000", EYENET_API_KEY: key } = process.env;

if (process.argv.length !== 3) {
  console.error("Usage: node upload.mjs photo.jpg");
  process.exit(2);
}
const photo = await readFile(process.argv[2], "base64");
try {
  const answer = await ask(url, "/upload", { image: photo }, key);
  console.log([...describe(answer), answer.notice].join("\n"));
} catch (error) {
  console.error(error.code ? `${error.message} (${error.code})` : `No answer from ${url}: ${error.message}`);
  process.exitCode = 1;
}
