// sharp behind node's own HTTP server: GET /{file}?width=400&format=jpg&quality=80 renders every time.
// Run as `node sharp.mjs PACKAGES FOLDER PORT`; PACKAGES is the folder whose node_modules has sharp.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

const [packages, folder, port] = process.argv.slice(2);
const sharp = createRequire(join(packages, "package.json"))("sharp");
const CONTENT_TYPES = { jpg: "image/jpeg", png: "image/png", webp: "image/webp", avif: "image/avif" };

sharp.cache(false);

async function render(url) {
  const format = url.searchParams.get("format");
  const width = Number(url.searchParams.get("width"));
  const image = sharp(join(folder, basename(url.pathname))).resize({ width, withoutEnlargement: true });
  if (format === "jpg") image.flatten({ background: "#fff" });
  // A quality would make a palette of a PNG.
  const options = format === "png" ? {} : { quality: Number(url.searchParams.get("quality")) };
  return { type: CONTENT_TYPES[format], body: await image.toFormat(format, options).toBuffer() };
}

createServer(async (request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  if (url.pathname === "/ready") return response.end("ready");
  try {
    const { type, body } = await render(url);
    response.writeHead(200, { "content-type": type, "content-length": body.length }).end(body);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(Number(port), "127.0.0.1");
