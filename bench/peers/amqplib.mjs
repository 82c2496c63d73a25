// Request and reply over RabbitMQ with node's amqplib.
//
//   node amqplib.mjs serve PORT VHOST QUEUE                   answers until it is killed, acknowledging each request
//   node amqplib.mjs ask   PORT VHOST QUEUE INFLIGHT SECONDS  prints {"count":..,"seconds":..,"p50":..,"p99":..}

import { createRequire } from "node:module";
import { join } from "node:path";

// The package lies where the bench installed it, not beside this file.
const amqp = createRequire(join(process.env.BENCH_NODE, "package.json"))("amqplib");
const [mode, port, vhost, queue, inFlight, seconds] = process.argv.slice(2);
const connection = await amqp.connect(`amqp://bench:bench@127.0.0.1:${port}/${encodeURIComponent(vhost)}`);
const channel = await connection.createChannel();

async function serve() {
  await channel.assertQueue(queue, { durable: false, autoDelete: true });
  await channel.prefetch(512);
  await channel.consume(queue, (message) => {
    const { replyTo, correlationId } = message.properties;
    channel.sendToQueue(replyTo, message.content, { correlationId });
    channel.ack(message);
  });
  console.log("ready");
}

async function ask() {
  const own = await channel.assertQueue("", { exclusive: true });
  const body = Buffer.alloc(300);
  const sentAt = new Float64Array(Number(inFlight));
  const took = [];
  const begin = performance.now() + 300; // the first 0.3 s are not counted
  const end = begin + Number(seconds) * 1000;
  const publish = (slot) => {
    sentAt[slot] = performance.now();
    channel.sendToQueue(queue, body, { correlationId: String(slot), replyTo: own.queue });
  };
  await new Promise((done) => {
    let over = false;
    channel.consume(own.queue, (message) => {
      const slot = Number(message.properties.correlationId);
      const at = performance.now();
      if (over) return;
      if (at >= end) {
        over = true;
        took.sort((a, b) => a - b);
        const pick = (part) => took[Math.min(took.length - 1, Math.floor(took.length * part))] / 1000;
        const result = { count: took.length, seconds: (at - begin) / 1000, p50: pick(0.5), p99: pick(0.99) };
        console.log(JSON.stringify(result));
        done();
        return;
      }
      if (at >= begin) took.push(at - sentAt[slot]);
      publish(slot);
    }, { noAck: true });
    for (let slot = 0; slot < sentAt.length; slot++) publish(slot);
  });
  process.exit(0);
}

await (mode === "serve" ? serve() : ask());
