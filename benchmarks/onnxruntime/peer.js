// Runs ONNX models for the benchmark, which asks for one thing a line and waits for the answer:
//   {"load": "model.onnx", "threads": 1, "type": "float32", "shape": [1, 3, 224, 224]}   ->  {"ok": true}
//   {"run": 10}                                                                        ->  {"seconds": 0.012}
const ort = require('onnxruntime-node');
const readline = require('readline');

let session, feeds;

async function answer(request) {
  if (request.load) {
    session = await ort.InferenceSession.create(request.load, {
      intraOpNumThreads: request.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
    });
    const count = request.shape.reduce((a, b) => a * b, 1);
    const data = request.type === 'uint8'
      ? Uint8Array.from({ length: count }, () => Math.floor(Math.random() * 256))
      : Float32Array.from({ length: count }, () => Math.random() * 2 - 1);
    feeds = { [session.inputNames[0]]: new ort.Tensor(request.type, data, request.shape) };
    return { ok: true, version: ort.env.versions ? ort.env.versions.node : '' };
  }
  const start = process.hrtime.bigint();
  for (let i = 0; i < request.run; i++) await session.run(feeds);
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9 };
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      console.log(JSON.stringify(await answer(JSON.parse(line))));
    } catch (error) {
      console.log(JSON.stringify({ error: String(error) }));
    }
  }
})();
