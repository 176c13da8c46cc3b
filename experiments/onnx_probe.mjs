// onnx_probe.py for the runtimes of npm: node onnx_probe.mjs PACKAGE FOLDER, beside a node_modules.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [name, folder] = process.argv.slice(2), BATCHES = [100, 1, 7];
const found = createRequire(path.join(process.cwd(), "package.json")).resolve(name);
const ort = await import(found).then((module) => module.default ?? module);

async function tried(file, images, expected, floats) {
  const sizes = [], classes = expected[0].length;
  let off = 0, wrong = 0, type = "";
  try {
    const session = await ort.InferenceSession.create(fs.readFileSync(file));
    for (const n of BATCHES) {
      const values = (floats ? Float32Array : Uint8Array).from(images.slice(0, n).flat());
      const feed = new ort.Tensor(floats ? "float32" : "uint8", values, [n, images[0].length]);
      const { probabilities, digit } = await session.run({ images: feed });
      sizes.push(n);
      type = probabilities.type;
      expected.slice(0, n).forEach((row, i) => {
        row.forEach((p, k) => { off = Math.max(off, Math.abs(p - probabilities.data[i * classes + k])); });
        wrong += Number(digit.data[i]) !== row.indexOf(Math.max(...row));
      });
    }
  } catch (error) {
    if (!sizes.length) return { error: String(error.message).slice(0, 200) };
  }
  return { off, wrong, batches: sizes.length === BATCHES.length, type };
}

const result = {};
for (const one of fs.readdirSync(folder).filter((file) => file.endsWith(".onnx")).sort()) {
  const file = path.join(folder, one), kept = JSON.parse(fs.readFileSync(file.replace(/onnx$/, "json")));
  result[one.replace(/\.onnx$/, "")] = {
    bytes: await tried(file, kept.images, kept.p, false),
    floats: await tried(file, kept.floats, kept.p_floats, true),
  };
}
console.log(JSON.stringify(result));
