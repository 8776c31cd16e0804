// What a shop's page does: records an order and a complaint, and shows the customer as one profile.
//
//     npm install --prefix examples/node
//     node examples/node/client.js                       # a service on 127.0.0.1:7401
//     node examples/node/client.js HOST:PORT ca.pem token
//
// The protocol files are loaded when the program starts, so there is nothing to generate.

import { randomInt, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [target = "127.0.0.1:7401", ca, tokenFile] = process.argv.slice(2);

const files = ["interaction_service", "profile_service"].map((name) => `customer_profile/v1/${name}.proto`);
const definition = loader.loadSync(files, {
  includeDirs: [fileURLToPath(new URL("../../proto", import.meta.url))],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});
const { InteractionService, ProfileService } = grpc.loadPackageDefinition(definition).customer_profile.v1;

/** With a CA the connection is encrypted; with a token file every call says who is calling. */
function credentials() {
  if (!ca) return grpc.credentials.createInsecure();
  const channel = grpc.credentials.createSsl(readFileSync(ca));
  if (!tokenFile) return channel;
  const token = readFileSync(tokenFile, "utf8").trim();
  const call = grpc.credentials.createFromMetadataGenerator((_, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    callback(null, metadata);
  });
  return grpc.credentials.combineChannelCredentials(channel, call);
}

const interactions = new InteractionService(target, credentials());
const profiles = new ProfileService(target, credentials());
const record = promisify(interactions.RecordInteractions.bind(interactions));
const getProfile = promisify(profiles.GetProfile.bind(profiles));

/** Something that happened just now. Its event id makes a retry harmless: sent twice it is recorded once. */
function interaction(type, department, channel, who, more = {}) {
  const now = Date.now();
  return {
    source: "node-example",
    event_id: randomUUID(),
    occurred_at: { seconds: Math.floor(now / 1000), nanos: (now % 1000) * 1e6 },
    type,
    department,
    channel,
    identifiers: Object.entries(who).map(([namespace, value]) => ({ namespace, value })),
    ...more,
  };
}

/** The profile of whoever has this identifier. With the token of a write the answer includes that write. */
async function read(namespace, value, token) {
  const lookup = { identifiers: [{ namespace, value }] };
  const { profile } = await getProfile({ lookup, read_options: { tokens: [token] } });
  return profile;
}

/** Sends page views as they come; each request is acknowledged by its sequence number once it is stored. */
function stream(who) {
  return new Promise((resolve, reject) => {
    const call = interactions.StreamInteractions();
    let token;
    call.on("data", (acknowledged) => {
      console.log("acknowledged", acknowledged.sequence);
      token = acknowledged.token;
    });
    call.on("end", () => resolve(token));
    call.on("error", reject);
    for (const sequence of [1, 2, 3]) {
      call.write({ sequence, interactions: [interaction("page.viewed", "web", "web", who)] });
    }
    call.end();
  });
}

const number = String(randomInt(10 ** 7, 10 ** 8)); // no mobile number goes on with a 0
const email = `${number}@example.com`;
const phone = `090-${number.slice(0, 4)}-${number.slice(4)}`;
try {
  // The shop knows the customer by e-mail, support by phone; both know the customer number.
  const order = interaction("order.placed", "sales", "web", { customer_id: number, email }, {
    subject: { kind: "SUBJECT_KIND_ORDER", id: `A-${number}` },
    money: { currency: "JPY", minor_units: 12800 },
  });
  const complaint = interaction("ticket.opened", "support", "phone", { customer_id: number, phone }, {
    subject: { kind: "SUBJECT_KIND_TICKET", id: `T-${number}` },
    text: "注文した商品がまだ届きません。とても困っています。",
    language: "ja",
  });
  const { results, token } = await record({ interactions: [order, complaint] });
  for (const { violations } of results) {
    for (const { field, description } of violations) throw new Error(`${field}: ${description}`);
  }
  console.log("recorded", results.length);
  const [byEmail, byPhone] = [await read("email", email, token), await read("phone", phone, token)];
  if (byEmail.profile_id !== byPhone.profile_id) throw new Error("one customer, two profiles");
  console.log("profile", byPhone.profile_id);
  console.log("orders", byPhone.orders.count, "open tickets", byPhone.tickets.open);
  const seen = await read("customer_id", number, await stream({ customer_id: number }));
  console.log("interactions", seen.interactions_total);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  interactions.close();
  profiles.close();
}
