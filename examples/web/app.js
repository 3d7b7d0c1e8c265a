// A digit drawn on 8 x 8 pixels, and the answer of an exported model, all of it in the page.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";

const SIDE = 8;
const INK = 16; // scikit-learn's digits have values from 0 to 16; the model takes them divided by 16
const MOST_SHOWN = 3;

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url).href;

const pad = document.getElementById("pad");
const pen = pad.getContext("2d");
const answer = document.getElementById("answer");
const bars = document.getElementById("bars");
const pixels = new Float32Array(SIDE * SIDE);

const [session, record] = await Promise.all([
  ort.InferenceSession.create("model/model.onnx"),
  fetch("model/export.json").then((response) => response.json()),
]);

function show() {
  const image = pen.createImageData(SIDE, SIDE);
  pixels.forEach((value, index) => image.data.set([value * 255, value * 255, value * 255, 255], 4 * index));
  pen.putImageData(image, 0, 0);
}

async function recognise() {
  const inputs = new ort.Tensor("float32", pixels, [1, 1, SIDE, SIDE]);
  const { logits } = await session.run({ inputs });
  const largest = Math.max(...logits.data);
  const weights = Array.from(logits.data, (value) => Math.exp(value - largest));
  const total = weights.reduce((sum, weight) => sum + weight);
  const ranked = weights
    .map((weight, label) => ({ name: record.classes[label], share: weight / total }))
    .sort((one, other) => other.share - one.share);
  answer.textContent = ranked[0].name;
  answer.dataset.state = "done";
  bars.replaceChildren(...ranked.slice(0, MOST_SHOWN).map(bar));
}

function bar({ name, share }) {
  const row = document.createElement("div");
  row.className = "bar";
  const length = document.createElement("i");
  length.style.width = `${100 * share}%`;
  const [label, percent] = [name, `${Math.round(100 * share)} %`].map((text) => {
    const span = document.createElement("span");
    span.textContent = text;
    return span;
  });
  row.append(label, length, percent);
  return row;
}

function draw(event) {
  if (event.buttons === 0 && event.type === "pointermove") return;
  const place = pad.getBoundingClientRect();
  const [x, y] = [
    ((event.clientX - place.left) / place.width) * SIDE,
    ((event.clientY - place.top) / place.height) * SIDE,
  ];
  // A soft brush, as a scanned pen has: full ink at its centre, none a pixel and a half away.
  for (let index = 0; index < pixels.length; index += 1) {
    const distance = Math.hypot((index % SIDE) + 0.5 - x, Math.floor(index / SIDE) + 0.5 - y);
    pixels[index] = Math.max(pixels[index], Math.max(0, 1 - distance / 1.5));
  }
  show();
  recognise();
}

pad.addEventListener("pointerdown", draw);
pad.addEventListener("pointermove", draw);
document.getElementById("clear").addEventListener("click", () => {
  pixels.fill(0);
  show();
  bars.replaceChildren();
  answer.textContent = "draw a digit";
});

show();
answer.textContent = "draw a digit";
// A digit in the address, 64 numbers from 0 to 16, is drawn at once: index.html#0,0,5,13,…
if (location.hash.length > 1) {
  location.hash.slice(1).split(",").forEach((value, index) => { pixels[index] = Number(value) / INK; });
  show();
  await recognise();
}
