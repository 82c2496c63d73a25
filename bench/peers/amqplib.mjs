// node's amqplib on lgsp's own topology: acknowledgements; with the mode `confirms` also mandatory and confirms.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import amqp from "amqplib";

const [role, url, name, count, directory, mode] = process.argv.slice(2);
const services = Array.from({ length: Number(count) }, (_, n) => `${name}-${n}`);
const REQUEST = readFileSync(`${directory}/request.json`);
const REPLY = readFileSync(`${directory}/reply.json`);

const connection = await amqp.connect(url, { noDelay: true });
const channel = mode === "confirms" ? await connection.createConfirmChannel() : await connection.createChannel();

async function answer() {
  await channel.prefetch(256);
  for (const service of services) {
    await channel.consume(`q.sync.${service}`, (message) => {
      const { correlationId, replyTo } = message.properties;
      channel.publish("lgsp.reply", replyTo, REPLY, { correlationId, contentType: "application/json" });
      channel.ack(message);
    });
  }
  console.log("ready");
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}

function percentile(sorted, part) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] : 0;
}

async function ask() {
  const queue = `q.reply.${name}`;
  await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "classic" } });
  await channel.bindQueue(queue, "lgsp.reply", name);
  const waiting = new Map();
  let turn = 0;
  let failed = 0;
  let run = null;
  channel.on("return", () => (failed += 1));

  function next() {
    const now = performance.now();
    if (now >= run.end) {
      if (waiting.size === 0) run.done();
      return;
    }
    const id = String(++turn);
    waiting.set(id, now);
    const properties = { correlationId: id, replyTo: name, contentType: "application/json" };
    if (mode === "confirms") {
      properties.mandatory = true;
      channel.publish("lgsp.req", services[turn % services.length], REQUEST, properties, (error) => {
        if (error) failed += 1;
      });
    } else {
      channel.publish("lgsp.req", services[turn % services.length], REQUEST, properties);
    }
  }

  await channel.consume(
    queue,
    (message) => {
      const sent = waiting.get(message.properties.correlationId);
      if (sent === undefined) return;
      waiting.delete(message.properties.correlationId);
      const now = performance.now();
      if (message.content.length !== REPLY.length) failed += 1;
      run.transactions += 1;
      if (now >= run.begin && now <= run.end) run.latencies.push(now - sent);
      next();
    },
    { noAck: true },
  );

  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [inFlight, warmup, seconds] = line.split(" ").map(Number);
    const begin = performance.now() + warmup * 1000;
    failed = 0;
    await new Promise((done) => {
      run = { begin, end: begin + seconds * 1000, latencies: [], transactions: 0, done };
      for (let n = 0; n < inFlight; n += 1) next();
    });
    const sorted = Float64Array.from(run.latencies).sort();
    const found = {
      per_second: sorted.length / seconds,
      p50_ms: percentile(sorted, 0.5),
      p99_ms: percentile(sorted, 0.99),
      transactions: run.transactions,
      failed,
      error: failed ? "returned, refused or cut" : "",
    };
    console.log(JSON.stringify(found));
  }
  process.exit(0);
}

await (role === "ask" ? ask() : answer());
